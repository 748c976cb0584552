-- The events of changed venues are changed, too: what a view or a search shows of them. $1 venue ids.
UPDATE events e
SET version = e.version + 1, updated_at = now(), local_date = (e.start_time AT TIME ZONE v.time_zone)::date
FROM venues v
WHERE v.id = e.venue_id AND v.id = ANY ($1)
RETURNING e.id, e.version
