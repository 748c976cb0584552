-- Nothing is left to do for these rows. Those that were not marked as sent enter the log of webhooks, while somebody listens: each row does so
-- once, when Kafka has it. $1 ids.
WITH gone AS (
    DELETE FROM outbox WHERE id = ANY ($1::bigint[]) RETURNING id, topic, payload, sent_at
)
INSERT INTO webhook_events (payload)
SELECT payload FROM gone WHERE topic = 'booking.events' AND sent_at IS NULL AND EXISTS (SELECT FROM webhooks)
ORDER BY id
