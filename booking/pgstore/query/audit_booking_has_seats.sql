-- Live bookings whose live seats are not those that they name.
SELECT b.event_id, b.id, NULL::bigint,
       format('%s, names seats %s and owns %s', b.status, b.seats, coalesce(o.seats, '{}'))
FROM bookings b
LEFT JOIN (
    SELECT ticket_id >> 20 AS event_id, booking_id, array_agg((ticket_id & 1048575)::int ORDER BY ticket_id) AS seats
    FROM booking_seats WHERE live GROUP BY 1, 2
) AS o ON o.event_id = b.event_id AND o.booking_id = b.id
WHERE b.status IN ('reserved', 'paying', 'confirmed') AND b.seats IS DISTINCT FROM coalesce(o.seats, '{}')
