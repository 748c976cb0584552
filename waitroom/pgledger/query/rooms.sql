-- All rooms with their state and the events behind them.
SELECT r.room, r.rules, r.state, r.run, r.version, r.updated_at,
       coalesce((SELECT array_agg(e.event_id ORDER BY e.event_id) FROM room_events e WHERE e.room = r.room), '{}')
FROM rooms r
ORDER BY r.room
