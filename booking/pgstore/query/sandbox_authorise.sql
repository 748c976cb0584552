-- An undecided attempt is authorised, if it is not older than $5 seconds (0: however old). One that is decided stays as it is.
-- $1 attempt, $2 amount, $3 currency, $4 token.
INSERT INTO sandbox_ledger AS l (attempt_id, amount, currency, token, authorised_at) VALUES ($1, $2, $3, $4, now())
ON CONFLICT (attempt_id) DO UPDATE SET authorised_at = CASE
    WHEN l.authorised_at IS NULL AND l.declined IS NULL AND l.voided_at IS NULL AND ($5::float8 = 0 OR l.opened_at > now() - make_interval(secs => $5::float8))
    THEN now() ELSE l.authorised_at END
RETURNING l.amount, l.currency, l.token, l.calls, extract(epoch FROM now() - l.opened_at)::float8, l.authorised_at IS NOT NULL,
    l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
