-- Books in one statement, which is a transaction of its own: compare (the seats are still for sale to the owner) and set (booking and version). When one
-- of them is not, a division by zero undoes the rest. $1 ticket ids in order, $2 owner, $3 booking, $4 end of the reservation, $5 event, $6 currency,
-- $7 scope and $8 hash of the request, $9 its answer. Returns the total.
WITH taken AS (
    UPDATE tickets
    SET booking_id = $3, hold_user_id = $2, hold_expiry = $4, version = version + 1
    WHERE id = ANY ($1::bigint[]) AND status = 'available' AND NOT blocked AND booking_id IS NULL
      AND (hold_user_id IS NULL OR hold_user_id = $2 OR hold_expiry <= now())
    RETURNING id, price
), whole AS (
    SELECT coalesce(sum(price), 0) / (count(*) = cardinality($1::bigint[]))::int AS total FROM taken
), made AS (
    INSERT INTO bookings (event_id, id, owner, status, total, currency, expiration_time, created_at, updated_at)
    SELECT $5, $3, $2, 'reserved', total, $6, $4, now(), now() FROM whole
), owners AS (
    INSERT INTO booking_seats (ticket_id, booking_id, live) SELECT id, $3, true FROM taken
), kept AS (
    INSERT INTO idempotency_keys (scope, request_hash, status, body, locked_until) VALUES ($7, $8, 201, $9, now())
)
SELECT total::bigint FROM whole
