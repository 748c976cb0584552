-- An audit reads whole tables: for this transaction, scans and joins of every kind are fine, and so is an hour, in which the log is read, too.
SELECT set_config('statement_timeout', '60min', true), set_config('idle_in_transaction_session_timeout', '60min', true),
       set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true)
