-- Lines of the log, the newest first. $1 older than this id, 0: from the newest; $2 how many.
SELECT id, at, who, coalesce(request_id, ''), coalesce(address, ''), action, room, before, after
FROM room_audit
WHERE $1::bigint = 0 OR id < $1::bigint
ORDER BY id DESC
LIMIT $2
