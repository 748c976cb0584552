-- One at a time writes the log of webhooks, until the end of its transaction: so numbers rise in the order of commits, and who reads on from a number
-- misses nothing. $1 lock.
SELECT pg_advisory_xact_lock($1)
