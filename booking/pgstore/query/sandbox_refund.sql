-- What is captured is given back, once. $1 attempt.
UPDATE sandbox_ledger l SET voided_at = CASE WHEN l.captured_at IS NOT NULL THEN coalesce(l.voided_at, now()) ELSE l.voided_at END
WHERE l.attempt_id = $1
RETURNING l.amount, l.currency, l.token, l.calls, extract(epoch FROM now() - l.opened_at)::float8, l.authorised_at IS NOT NULL,
    l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
