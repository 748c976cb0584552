-- The same of those of some attempts that there are, whoever their provider is. $1 ids.
SELECT a.event_id, a.booking_id, coalesce(b.status, ''), coalesce(b.attempt_id = a.id, false), coalesce(b.total, 0), coalesce(b.currency, ''),
       a.id, a.settled, coalesce(a.provider_ref, '')
FROM payment_attempts a
LEFT JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id
WHERE a.id = ANY ($1::uuid[])
