-- New payment attempts; one live attempt a booking. Arrays, pairwise: $1 id, $2 event, $3 booking, $4 amount, $5 currency,
-- $6 method, $7 token.
INSERT INTO payment_attempts (id, event_id, booking_id, amount, currency, method, token, status, live, created_at, updated_at)
SELECT id, event_id, booking_id, amount, currency, method, token, 'created', true, now(), now()
FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[])
    AS a (id, event_id, booking_id, amount, currency, method, token)
