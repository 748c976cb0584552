-- New bookings, and where those under way stand now. What has ended never changes again: rows, one a booking, or the decision was
-- made on stale memory. Arrays, pairwise: $1 event, $2 key, $3 owner, $4 status, $5 total, $6 currency, $7 expiration, $8 confirmation, $9 attempt,
-- $10 room, $11 jti, $12 created, $13 updated, $14 seats as the text of an array, $15 extended.
INSERT INTO bookings (event_id, id, owner, status, total, currency, expiration_time, confirmation_id, attempt_id, room, jti,
                      created_at, updated_at, seats, extended)
SELECT event_id, id, owner, status, total, currency, expiration_time, confirmation_id, attempt_id, room, jti, created_at, updated_at,
       seats::int[], extended
FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[], $8::text[],
            $9::uuid[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::bool[])
    AS b (event_id, id, owner, status, total, currency, expiration_time, confirmation_id, attempt_id, room, jti, created_at, updated_at,
          seats, extended)
ON CONFLICT (event_id, id) DO UPDATE
SET status = excluded.status, expiration_time = excluded.expiration_time, confirmation_id = excluded.confirmation_id,
    attempt_id = excluded.attempt_id, extended = excluded.extended, updated_at = excluded.updated_at
WHERE bookings.status IN ('reserved', 'paying')
