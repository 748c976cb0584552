-- $1 event id.
SELECT currency FROM events WHERE id = $1
