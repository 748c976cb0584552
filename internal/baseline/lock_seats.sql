-- Locks the asked tickets in id order, so that two bookings never wait for each other in a circle.
-- $1 ticket ids. Returns id, whether it is for sale to $2 (the owner), price.
SELECT id,
       status = 'available' AND NOT blocked AND booking_id IS NULL
           AND (hold_user_id IS NULL OR hold_user_id = $2 OR hold_expiry <= now()) AS free,
       price
FROM tickets
WHERE id = ANY ($1::bigint[])
ORDER BY id
FOR UPDATE
