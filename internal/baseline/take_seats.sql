-- $1 ticket ids, $2 owner, $3 booking, $4 end of the reservation.
UPDATE tickets
SET booking_id = $3, hold_user_id = $2, hold_expiry = $4, version = version + 1
WHERE id = ANY ($1::bigint[])
