-- One worker at a time does the bookkeeping of leases; the lock ends with the transaction. $1 lock.
SELECT pg_advisory_xact_lock($1)
