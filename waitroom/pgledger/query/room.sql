-- One room with its state, the events behind it, and its rules as a rooms file gave them last, or null. $1 room.
SELECT r.room, r.rules, r.state, r.run, r.version, r.updated_at,
       coalesce((SELECT array_agg(e.event_id ORDER BY e.event_id) FROM room_events e WHERE e.room = r.room), '{}'),
       r.filed
FROM rooms r
WHERE r.room = $1
