-- page.sql for some performers, $2: under an OR, Postgres would not make a join of the restriction.
SELECT e.id, e.name, e.details, e.s3_image_url, e.performer, e.start_time, e.end_time, e.price_from, e.price_to, e.currency,
       e.sale_opened_at IS NOT NULL, l.capacity, v.id, v.name, v.location, v.city, v.country, v.latitude, v.longitude, v.time_zone
FROM (
    SELECT *
    FROM events e
    WHERE ($1::bigint[] IS NULL OR e.venue_id = ANY ($1))
      AND e.id IN (SELECT event_id FROM event_performers WHERE performer_id = ANY ($2))
      AND ($3::date IS NULL OR e.local_date >= $3 AND e.start_time >= $3 - interval '14 hours')
      AND ($4::date IS NULL OR e.local_date <= $4 AND e.start_time < $4 + interval '36 hours')
      AND ($5::int IS NULL OR e.price_to >= $5)
      AND ($6::int IS NULL OR e.price_from <= $6)
      AND ($7::timestamptz IS NULL OR (e.start_time, e.id) > ($7, $8::bigint))
    ORDER BY e.start_time, e.id
    LIMIT $9
) AS e
JOIN venues v ON v.id = e.venue_id
JOIN layouts l ON l.id = e.layout_id
ORDER BY e.start_time, e.id
