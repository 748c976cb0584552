-- Messages that Kafka lacks after a minute.
SELECT NULL::bigint, NULL::uuid, NULL::bigint, format('message %s for %s waits since %s', id, topic, created_at)
FROM outbox WHERE sent_at IS NULL AND created_at < now() - interval '1 minute'
