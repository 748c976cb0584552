-- What is authorised and not voided is captured, once. $1 attempt.
UPDATE sandbox_ledger l SET captured_at = CASE
    WHEN l.authorised_at IS NOT NULL AND l.voided_at IS NULL THEN coalesce(l.captured_at, now()) ELSE l.captured_at END
WHERE l.attempt_id = $1
RETURNING l.amount, l.currency, l.token, l.calls, extract(epoch FROM now() - l.opened_at)::float8, l.authorised_at IS NOT NULL,
    l.captured_at IS NOT NULL, l.voided_at IS NOT NULL, coalesce(l.declined, '')
