-- What a sale needs to know of an event's seats. $1 event id.
SELECT e.currency, e.prices, l.spec, e.sale_opened_at IS NOT NULL
FROM events e
JOIN layouts l ON l.id = e.layout_id
WHERE e.id = $1
