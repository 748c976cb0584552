-- Whether this session now leads; it does until it ends. $1 lock.
SELECT pg_try_advisory_lock($1)
