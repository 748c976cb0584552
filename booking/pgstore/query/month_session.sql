-- A whole month is moved: for this transaction, hours are fine.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '10min', true)
