-- The events of a room are those with the given external ids. $1 room, $2 external ids. Returns the ids that exist.
WITH wanted AS (
    SELECT id, external_id FROM events WHERE external_id = ANY ($2::text[])
), gone AS (
    DELETE FROM room_events WHERE room = $1 AND event_id NOT IN (SELECT id FROM wanted)
), came AS (
    INSERT INTO room_events (event_id, room) SELECT id, $1 FROM wanted
    ON CONFLICT (event_id) DO UPDATE SET room = excluded.room
)
SELECT external_id FROM wanted
