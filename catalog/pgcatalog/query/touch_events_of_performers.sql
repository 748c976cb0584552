-- The events of renamed performers are changed, too; a headliner's name stands in the event. $1 performer ids.
UPDATE events e
SET version = e.version + 1, updated_at = now(), performer = headliner.name
FROM (SELECT DISTINCT event_id FROM event_performers WHERE performer_id = ANY ($1)) AS touched
JOIN event_performers first ON first.event_id = touched.event_id AND first.position = 0
JOIN performers headliner ON headliner.id = first.performer_id
WHERE e.id = touched.event_id
RETURNING e.id, e.version
