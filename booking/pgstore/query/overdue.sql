-- Reservations that have run out and were not seen yet, oldest first. $1 how many.
SELECT event_id, id, expiration_time FROM bookings
WHERE status = 'reserved' AND expiration_time <= now()
ORDER BY expiration_time
LIMIT $1
