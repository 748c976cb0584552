-- Bookings with more than one payment attempt that may still take money.
SELECT event_id, booking_id, NULL::bigint, 'live attempts ' || string_agg(id::text, ', ' ORDER BY id)
FROM payment_attempts WHERE live GROUP BY event_id, booking_id HAVING count(*) > 1
