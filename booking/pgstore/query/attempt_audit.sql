-- Attempts of one provider as booking and attempt know them. $1 method, $2 begun at or after; null: all.
SELECT a.event_id, a.booking_id, coalesce(b.status, ''), coalesce(b.attempt_id = a.id, false), coalesce(b.total, 0), coalesce(b.currency, ''),
       a.id, a.settled, coalesce(a.provider_ref, '')
FROM payment_attempts a
LEFT JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id
WHERE a.method = $1 AND a.created_at >= coalesce($2::timestamptz, '-infinity')
