-- All rooms with their state and the events behind them; and of events that came from another room within a day and a half, longer than a session
-- lasts, from which and when, pairwise.
SELECT r.room, r.rules, r.state, r.run, r.version, r.updated_at, coalesce(e.ids, '{}'), coalesce(f.ids, '{}'), coalesce(f.rooms, '{}'), coalesce(f.moved, '{}')
FROM rooms r
LEFT JOIN (
    SELECT room, array_agg(event_id ORDER BY event_id) AS ids FROM room_events GROUP BY room
) e ON e.room = r.room
LEFT JOIN (
    SELECT room, array_agg(event_id ORDER BY event_id) AS ids, array_agg(former ORDER BY event_id) AS rooms, array_agg(moved_at ORDER BY event_id) AS moved
    FROM room_events WHERE former IS NOT NULL AND moved_at > now() - interval '36 hours' GROUP BY room
) f ON f.room = r.room
ORDER BY r.room
