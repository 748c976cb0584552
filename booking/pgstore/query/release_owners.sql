-- Bookings that own a seat no longer. Before insert_owners: the seat's next owner may be in the same batch.
-- Arrays, pairwise: $1 ticket, $2 booking.
UPDATE booking_seats b
SET live = false
FROM unnest($1::bigint[], $2::uuid[]) AS s (ticket_id, booking_id)
WHERE b.ticket_id = s.ticket_id AND b.booking_id = s.booking_id
