-- What the sandbox's books say about an attempt. $1 attempt.
SELECT l.amount, l.currency, l.token, l.calls, extract(epoch FROM now() - l.opened_at)::float8, l.authorised_at IS NOT NULL,
    l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
FROM sandbox_ledger l WHERE l.attempt_id = $1
