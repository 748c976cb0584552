-- The seats of an event in seat order, as the worker keeps them. The ids of an event are a range of the primary key.
-- $1 first ticket id, $2 the first id past the event.
SELECT (id - $1)::int, version, status::text, blocked, price, booking_id, hold_user_id, hold_expiry
FROM tickets
WHERE id >= $1 AND id < $2
ORDER BY id
