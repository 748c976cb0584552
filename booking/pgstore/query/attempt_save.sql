-- What came of a claimed attempt, if the claim still stands: tries is its number. An attempt that was woken meanwhile is due at
-- once, unless its provider is done with it.
-- $1 id, $2 tries, $3 status as read, $4 new status, $5 reason, $6 provider's reference, $7 action url (empty texts keep what is there; the
-- action goes when the status changes), $8 seconds until it is due, $9 seconds of the lease (0: given back), $10 settled.
-- Returns whether the booking is paying with the attempt. No row: the claim is lost, or the attempt is settled.
UPDATE payment_attempts a
SET status = $4, reason = coalesce(nullif($5, ''), reason), provider_ref = coalesce(nullif($6, ''), provider_ref),
    action_url = CASE WHEN $3 = $4 THEN coalesce(nullif($7, ''), action_url) END,
    next_at = CASE WHEN woken AND $4 IN ('created', 'authorised') THEN now() ELSE now() + make_interval(secs => $8::float8) END,
    leased_until = CASE WHEN $9::float8 > 0 THEN now() + make_interval(secs => $9::float8) END,
    settled = $10, live = live AND NOT $10, updated_at = now()
WHERE id = $1 AND tries = $2 AND status = $3 AND NOT settled
RETURNING EXISTS (SELECT FROM bookings b WHERE b.event_id = a.event_id AND b.id = a.booking_id AND b.status = 'paying' AND b.attempt_id = a.id)
