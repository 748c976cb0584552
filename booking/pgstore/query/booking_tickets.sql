-- The tickets of a booking in seat order. $1 ticket ids.
SELECT id, seat_number, price, status::text, blocked, booking_id IS NOT NULL, hold_user_id IS NOT NULL, hold_expiry
FROM tickets
WHERE id = ANY ($1::bigint[])
ORDER BY id
