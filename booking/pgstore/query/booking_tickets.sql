-- The tickets of a booking in seat order. $1 booking key, $2 first ticket id of its event, $3 the first id past it.
SELECT t.id, t.seat_number, t.price, t.status::text, t.blocked, t.booking_id IS NOT NULL, t.hold_user_id IS NOT NULL, t.hold_expiry
FROM booking_seats s
JOIN tickets t ON t.id = s.ticket_id
WHERE s.booking_id = $1 AND s.ticket_id >= $2 AND s.ticket_id < $3
ORDER BY t.id
