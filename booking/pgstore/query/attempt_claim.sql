-- Attempts that are due and nobody's become the caller's, the longest due first. Callers at once get different ones.
-- $1 how many, $2 seconds of the lease. Returns the attempts with the number of claims, the age in seconds, and whether the
-- booking is paying with the attempt. Materialized: a subselect may run once a row, and then each time lock as many again.
WITH due AS MATERIALIZED (
    SELECT id FROM payment_attempts
    WHERE NOT settled AND next_at <= now() AND (leased_until IS NULL OR leased_until <= now())
    ORDER BY next_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED)
UPDATE payment_attempts a
SET leased_until = now() + make_interval(secs => $2::float8), tries = tries + 1, woken = false
FROM due
WHERE a.id = due.id
RETURNING a.id, event_id, booking_id, amount, currency, method, token, coalesce(provider_ref, ''), status, coalesce(reason, ''), tries,
    extract(epoch FROM now() - created_at)::float8,
    EXISTS (SELECT FROM bookings b WHERE b.event_id = a.event_id AND b.id = a.booking_id AND b.status = 'paying' AND b.attempt_id = a.id)
