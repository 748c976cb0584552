-- All seats of an event in seat order, with who holds or has booked them. The ids of an event are a range of the primary key.
-- $1 first ticket id, $2 the first id past the event, $3 event id.
SELECT t.id, t.version, t.status::text, t.blocked, t.booking_id IS NOT NULL, coalesce(t.hold_user_id, b.owner), t.hold_expiry
FROM tickets t
LEFT JOIN bookings b ON b.event_id = $3 AND b.id = t.booking_id
WHERE t.id >= $1 AND t.id < $2
ORDER BY t.id
