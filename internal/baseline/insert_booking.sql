-- $1 event, $2 booking, $3 owner, $4 total, $5 currency, $6 end of the reservation.
INSERT INTO bookings (event_id, id, owner, status, total, currency, expiration_time, created_at, updated_at)
VALUES ($1, $2, $3, 'reserved', $4, $5, $6, now(), now())
