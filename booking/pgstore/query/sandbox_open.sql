-- An entry for the attempt, if there is none, and one call more if there is. $1 attempt, $2 amount, $3 currency, $4 token.
INSERT INTO sandbox_ledger AS l (attempt_id, amount, currency, token) VALUES ($1, $2, $3, $4)
ON CONFLICT (attempt_id) DO UPDATE SET calls = l.calls + 1
RETURNING l.amount, l.currency, l.token, l.calls, extract(epoch FROM now() - l.opened_at)::float8, l.authorised_at IS NOT NULL,
    l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
