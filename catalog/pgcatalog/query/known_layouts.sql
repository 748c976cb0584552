-- Layouts by the name that an import gave them, with their price levels. $1 names.
SELECT n.external_id, l.id, l.venue_id, ARRAY(SELECT DISTINCT s ->> 'level' FROM jsonb_array_elements(l.spec) AS s)
FROM layout_names n
JOIN layouts l ON l.id = n.layout_id
WHERE n.external_id = ANY ($1)
