-- $1 first ticket id of the event, $2 the first id past it.
SELECT id, hold_user_id, hold_expiry
FROM tickets
WHERE id >= $1 AND id < $2 AND hold_user_id IS NOT NULL AND booking_id IS NULL AND hold_expiry > now()
