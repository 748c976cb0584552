-- What an event is, with its venue, its layout and its performers, the headliner first. $1 event id.
SELECT e.name, e.details, e.s3_image_url, e.performer, e.start_time, e.end_time, e.currency, e.prices,
       l.spec, e.sale_opened_at IS NOT NULL, e.version,
       v.id, v.name, v.location, v.city, v.country, v.latitude, v.longitude, v.time_zone,
       coalesce(p.ids, '{}'), coalesce(p.names, '{}')
FROM events e
JOIN venues v ON v.id = e.venue_id
JOIN layouts l ON l.id = e.layout_id
LEFT JOIN LATERAL (
    SELECT array_agg(p.id ORDER BY ep.position) AS ids, array_agg(p.name ORDER BY ep.position) AS names
    FROM event_performers ep
    JOIN performers p ON p.id = ep.performer_id
    WHERE ep.event_id = e.id
) AS p ON true
WHERE e.id = $1
