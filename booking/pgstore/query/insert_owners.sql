-- Bookings and their seats; the unique index one_live_booking_per_seat refuses a second live owner.
-- Arrays, pairwise: $1 ticket, $2 booking, $3 live.
INSERT INTO booking_seats (ticket_id, booking_id, live)
SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bool[])
ON CONFLICT (ticket_id, booking_id) DO NOTHING
