-- $1 ticket ids, $2 booking.
INSERT INTO booking_seats (ticket_id, booking_id, live)
SELECT id, $2, true FROM unnest($1::bigint[]) AS id
