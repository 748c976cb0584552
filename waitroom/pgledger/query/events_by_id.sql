-- The external ids of events, of those that exist. $1 ids.
SELECT id, external_id FROM events WHERE id = ANY ($1::bigint[])
