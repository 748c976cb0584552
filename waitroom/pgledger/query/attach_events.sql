-- The events of a room are these. One that another room guards comes from there. $1 room, $2 ids of events.
WITH gone AS (
    DELETE FROM room_events WHERE room = $1 AND event_id <> ALL ($2::bigint[])
)
INSERT INTO room_events (event_id, room) SELECT id, $1 FROM unnest($2::bigint[]) AS w (id)
ON CONFLICT (event_id) DO UPDATE SET room = excluded.room, former = room_events.room, moved_at = now()
WHERE room_events.room <> excluded.room
