-- $1 ticket ids, $2 owner. Seats that are booked stay.
UPDATE tickets SET hold_user_id = NULL, hold_expiry = NULL
WHERE id = ANY ($1::bigint[]) AND hold_user_id = $2 AND booking_id IS NULL AND status = 'available'
