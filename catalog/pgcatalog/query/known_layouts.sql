-- Layouts by the name that an import gave them. $1 names.
SELECT n.external_id, l.id, l.venue_id
FROM layout_names n
JOIN layouts l ON l.id = n.layout_id
WHERE n.external_id = ANY ($1)
