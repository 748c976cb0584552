-- The ids of events, of those that exist. $1 external ids.
SELECT external_id, id FROM events WHERE external_id = ANY ($1::text[])
