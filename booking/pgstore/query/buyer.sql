-- Who buys a booking, and why its latest payment came to nothing. $1 event, $2 booking.
SELECT b.buyer_name, b.buyer_email, a.reason
FROM bookings b
LEFT JOIN payment_attempts a ON a.id = b.attempt_id AND a.status IN ('declined', 'failed')
WHERE b.event_id = $1 AND b.id = $2
