-- The log keeps the newest lines, and none for ever. Each line that is added may take a hundred with it. $1 the newest id, $2 how many are kept,
-- $3 how long.
DELETE FROM room_audit WHERE id IN (
    SELECT id FROM room_audit WHERE id <= $1::bigint - $2::bigint OR at < now() - $3::interval ORDER BY id LIMIT 100
)
