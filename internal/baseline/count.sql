-- What was booked by any design: bookings, seats that have one, live owners of seats.
SELECT (SELECT count(*) FROM bookings), (SELECT count(*) FROM tickets WHERE booking_id IS NOT NULL), (SELECT count(*) FROM booking_seats WHERE live)
