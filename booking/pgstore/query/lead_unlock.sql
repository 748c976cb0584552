-- This session leads no longer. $1 lock.
SELECT pg_advisory_unlock($1)
