-- Commands that were done to a booking that does not exist. Months that are put away are not here.
SELECT r.event_id, r.booking_id, NULL::bigint, format('%s was done at %s by command %s, and there is no such booking', r.result ->> 'kind', r.created_at, r.command_id)
FROM command_results r
LEFT JOIN bookings b ON b.event_id = r.event_id AND b.id = r.booking_id
WHERE r.booking_id IS NOT NULL AND r.result ->> 'outcome' = 'done' AND b.id IS NULL
  AND NOT EXISTS (SELECT FROM put_away p WHERE p.month = r.event_id >> 27)
