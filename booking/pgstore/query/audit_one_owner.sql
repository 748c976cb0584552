-- Seats with more than one live booking. The index that forbids it is not asked: it may be broken, too.
SELECT ticket_id >> 20, NULL::uuid, ticket_id, 'live bookings ' || string_agg(booking_id::text, ', ' ORDER BY booking_id)
FROM booking_seats WHERE live GROUP BY ticket_id HAVING count(*) > 1
