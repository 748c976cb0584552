-- The oldest rows, those that Kafka lacks first: it must not wait for the seat map. $1 how many.
SELECT id, topic, key, payload, sent_at IS NOT NULL FROM outbox ORDER BY (sent_at IS NOT NULL), id LIMIT $1
