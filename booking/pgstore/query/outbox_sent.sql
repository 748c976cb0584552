-- These rows are in Kafka. $1 ids.
UPDATE outbox SET sent_at = now() WHERE id = ANY ($1::bigint[])
