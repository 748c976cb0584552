-- What Postgres says about some seats. $1 ticket ids.
SELECT id, version, status::text, blocked, booking_id IS NOT NULL, hold_user_id, hold_expiry
FROM tickets
WHERE id = ANY ($1::bigint[])
ORDER BY id
