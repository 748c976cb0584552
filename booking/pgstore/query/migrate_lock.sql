-- One process at a time migrates; the lock ends with the session. $1 lock.
SELECT pg_advisory_lock($1)
