-- What the tickets of an event are made of; the event stays locked, so that its sale opens once. $1 event id.
SELECT e.currency, e.prices, l.spec, e.sale_opened_at IS NOT NULL
FROM events e
JOIN layouts l ON l.id = e.layout_id
WHERE e.id = $1
FOR UPDATE OF e
