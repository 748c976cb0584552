-- An undecided attempt is declined, if it is at least $6 seconds old. One that is decided stays as it is.
-- $1 attempt, $2 amount, $3 currency, $4 token, $5 reason.
INSERT INTO sandbox_ledger AS l (attempt_id, amount, currency, token, declined) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (attempt_id) DO UPDATE SET declined = CASE
    WHEN l.authorised_at IS NULL AND l.declined IS NULL AND l.voided_at IS NULL AND l.opened_at <= now() - make_interval(secs => $6::float8)
    THEN $5 ELSE l.declined END
RETURNING l.amount, l.currency, l.token, l.calls, extract(epoch FROM now() - l.opened_at)::float8, l.authorised_at IS NOT NULL,
    l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
