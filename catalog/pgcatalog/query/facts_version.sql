-- The version of an event's facts. $1 event id.
SELECT version FROM events WHERE id = $1
