-- $1 room, $2 from, $3 to, $4 new run or null. No row: the room is not in that state.
UPDATE rooms SET state = $3, run = coalesce($4, run), version = version + 1, updated_at = now() WHERE room = $1 AND state = $2
