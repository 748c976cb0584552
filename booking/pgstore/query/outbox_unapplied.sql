-- The oldest rows that are in Kafka but not in the seat map, in order. $1 how many.
SELECT id, topic, key, payload FROM outbox WHERE sent_at IS NOT NULL ORDER BY id LIMIT $1
