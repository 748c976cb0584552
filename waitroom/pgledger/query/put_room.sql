-- Rules change, state and run stay. $1 room, $2 rules, $3 state if new, $4 run if new.
INSERT INTO rooms (room, rules, state, run) VALUES ($1, $2, $3, $4)
ON CONFLICT (room) DO UPDATE SET rules = excluded.rules, version = rooms.version + 1, updated_at = now()
WHERE rooms.rules <> excluded.rules
