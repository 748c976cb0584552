-- Performers by external id. $1 external ids.
SELECT external_id, id, name FROM performers WHERE external_id = ANY ($1)
