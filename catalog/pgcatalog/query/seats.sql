-- How the seats of an event stand, in seat order, with the end of each live hold or reservation. $1 first ticket id, $2 the first id past
-- the event.
SELECT status::text, blocked, booking_id IS NOT NULL,
       CASE WHEN hold_expiry > now() OR booking_id IS NOT NULL THEN hold_expiry END, now()
FROM tickets
WHERE id >= $1 AND id < $2
ORDER BY id
