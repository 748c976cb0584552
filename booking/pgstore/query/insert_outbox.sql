-- What the world is to be told, in order. Arrays, pairwise: $1 topic, $2 key, $3 payload.
INSERT INTO outbox (topic, key, payload)
SELECT topic, key, payload FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS o (topic, key, payload, place)
ORDER BY place
