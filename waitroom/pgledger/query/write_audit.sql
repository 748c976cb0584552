-- $1 who, $2 id of the request or null, $3 address or null, $4 action, $5 room, $6 before or null, $7 after. Returns the id of the line.
INSERT INTO room_audit (who, request_id, address, action, room, before, after) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
