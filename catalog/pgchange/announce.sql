-- Tells the world. $1 topic, $2 keys, $3 payloads.
INSERT INTO outbox (topic, key, payload)
SELECT $1, * FROM unnest($2::text[], $3::bytea[])
