-- The oldest rows, sent or not, in order. $1 how many.
SELECT id, topic, key, payload, sent_at IS NOT NULL FROM outbox ORDER BY id LIMIT $1
