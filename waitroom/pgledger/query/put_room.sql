-- $1 room, $2 rules, $3 state, $4 run, $5 rules as a rooms file gives them, or null: they stay as they are. Returns the version and when.
INSERT INTO rooms (room, rules, state, run, filed) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (room) DO UPDATE SET rules = excluded.rules, state = excluded.state, run = excluded.run, filed = coalesce(excluded.filed, rooms.filed),
    version = rooms.version + 1, updated_at = now()
RETURNING version, updated_at
