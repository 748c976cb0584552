-- Events by external id, with all that an import can change. $1 external ids.
SELECT e.external_id, e.id, e.sale_opened_at IS NOT NULL, e.name, e.venue_id, coalesce(e.s3_image_url, ''), e.details, e.performer,
       e.start_time, e.end_time, e.local_date, e.category, e.currency, e.prices, e.layout_id,
       ARRAY(SELECT performer_id FROM event_performers p WHERE p.event_id = e.id ORDER BY position)
FROM events e
WHERE e.external_id = ANY ($1)
