-- An audit reads whole tables: for this transaction, scans and hashes are fine and so is a quarter of an hour.
SELECT set_config('statement_timeout', '15min', true), set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true)
