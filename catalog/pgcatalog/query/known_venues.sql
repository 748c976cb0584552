-- Venues by external id. $1 external ids.
SELECT external_id, id, time_zone FROM venues WHERE external_id = ANY ($1)
