-- What a list of results shows of events. $1 ids; the rows are in their order.
SELECT e.id, e.name, e.details, e.s3_image_url, e.performer, e.start_time, e.end_time, e.price_from, e.price_to, e.currency,
       e.sale_opened_at IS NOT NULL, l.capacity, v.id, v.name, v.location, v.city, v.country, v.latitude, v.longitude, v.time_zone
FROM unnest($1::bigint[]) WITH ORDINALITY AS i (id, n)
JOIN events e ON e.id = i.id
JOIN venues v ON v.id = e.venue_id
JOIN layouts l ON l.id = e.layout_id
ORDER BY i.n
