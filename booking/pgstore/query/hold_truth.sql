-- What Postgres says about some seats, with who holds or has booked them. $1 ticket ids.
SELECT t.id, t.version, t.status::text, t.blocked, t.booking_id IS NOT NULL, coalesce(t.hold_user_id, b.owner), t.hold_expiry
FROM tickets t
LEFT JOIN bookings b ON b.event_id = t.event_id AND b.id = t.booking_id
WHERE t.id = ANY ($1::bigint[])
ORDER BY t.id
