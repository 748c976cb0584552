-- Seats whose live booking is over, or does not exist.
SELECT s.ticket_id >> 20, NULL::uuid, s.ticket_id, format('booking %s is %s', s.booking_id, coalesce(b.status, 'not there'))
FROM booking_seats s
LEFT JOIN bookings b ON b.event_id = s.ticket_id >> 20 AND b.id = s.booking_id
WHERE s.live AND (b.id IS NULL OR b.status NOT IN ('reserved', 'paying', 'confirmed'))
