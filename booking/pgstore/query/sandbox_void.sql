-- What is neither captured nor declined is void, and so is whatever comes later. $1 attempt, $2 amount, $3 currency, $4 token.
INSERT INTO sandbox_ledger AS l (attempt_id, amount, currency, token, voided_at) VALUES ($1, $2, $3, $4, now())
ON CONFLICT (attempt_id) DO UPDATE SET voided_at = CASE
    WHEN l.captured_at IS NULL AND l.declined IS NULL THEN coalesce(l.voided_at, now()) ELSE l.voided_at END
RETURNING l.amount, l.currency, l.token, l.calls, extract(epoch FROM now() - l.opened_at)::float8, l.authorised_at IS NOT NULL,
    l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
