-- The oldest rows that Kafka lacks, in order. $1 how many.
SELECT id, topic, key, payload FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT $1
