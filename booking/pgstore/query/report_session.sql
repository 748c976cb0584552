-- A page of a report reads all tickets of its events: for this transaction, a minute is fine.
SELECT set_config('statement_timeout', '60s', true)
