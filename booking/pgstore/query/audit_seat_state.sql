-- Seats whose status is not the one that their booking gives them.
SELECT t.event_id, NULL::uuid, t.id, format('the ticket is %s, its booking %s is %s', t.status, coalesce(t.booking_id::text, 'none'), coalesce(b.status, 'not there'))
FROM tickets t
LEFT JOIN bookings b ON b.event_id = t.event_id AND b.id = t.booking_id
WHERE (t.booking_id IS NOT NULL OR t.status <> 'available')
  AND t.status::text IS DISTINCT FROM CASE b.status WHEN 'reserved' THEN 'available' WHEN 'paying' THEN 'payment_processing' WHEN 'confirmed' THEN 'booked' END
