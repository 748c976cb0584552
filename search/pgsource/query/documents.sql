-- What an index stores of events: facts, whether they are for sale, and a version that rises with each change of either. One statement, so one
-- snapshot: facts and version belong together. A document names at most 200 performers. $1 event ids.
SELECT e.id, e.version + coalesce(s.sale_version, 0), e.name, e.details, coalesce(e.s3_image_url, ''), e.start_time, e.end_time, e.local_date,
       e.category, e.currency, e.prices, e.price_from, e.price_to, e.sale_opened_at IS NOT NULL,
       coalesce(s.for_sale, e.sale_opened_at IS NOT NULL), l.capacity,
       v.id, v.name, v.location, v.city, v.country, v.latitude, v.longitude, v.time_zone,
       coalesce(p.ids, '{}'), coalesce(p.names, '{}')
FROM unnest($1::bigint[]) AS asked (id)
JOIN events e ON e.id = asked.id
JOIN venues v ON v.id = e.venue_id
JOIN layouts l ON l.id = e.layout_id
LEFT JOIN event_search s ON s.event_id = e.id
LEFT JOIN LATERAL (
    SELECT array_agg(first.id ORDER BY first.position) AS ids, array_agg(first.name ORDER BY first.position) AS names
    FROM (SELECT p.id, p.name, ep.position FROM event_performers ep JOIN performers p ON p.id = ep.performer_id
          WHERE ep.event_id = e.id ORDER BY ep.position LIMIT 200) AS first
) AS p ON true
