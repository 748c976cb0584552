-- Confirmed bookings that nobody has paid for.
SELECT b.event_id, b.id, b.status, true, b.total, b.currency, NULL::uuid, true, ''
FROM bookings b
WHERE b.status = 'confirmed' AND NOT EXISTS (SELECT FROM payment_attempts a WHERE a.id = b.attempt_id)
