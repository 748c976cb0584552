-- The tickets of an event. $1 first ticket id, $2 how many, $3 price.
INSERT INTO tickets (id, event_id, price, seat_number)
SELECT $1::bigint + i, $1::bigint >> 20, $3, 'Stalls-' || i / 20 + 1 || '-' || i % 20 + 1
FROM generate_series(0, $2 - 1) AS i
