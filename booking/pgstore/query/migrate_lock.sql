-- Whether this process may migrate; the lock ends with the session. It does not wait: a statement that waits has a snapshot, for which a migration
-- that builds an index beside the sale waits in turn, for ever. $1 lock.
SELECT pg_try_advisory_lock($1)
