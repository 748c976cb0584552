-- Forgets who plays at events. $1 event ids.
DELETE FROM event_performers WHERE event_id = ANY ($1)
