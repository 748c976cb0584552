-- One import at a time changes the catalog; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('usher_import'))
