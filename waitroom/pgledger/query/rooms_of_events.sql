-- The other rooms that guard one of the events. $1 room, $2 ids of events.
SELECT DISTINCT room FROM room_events WHERE event_id = ANY ($2::bigint[]) AND room <> $1 ORDER BY room
