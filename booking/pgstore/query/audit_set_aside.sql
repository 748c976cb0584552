-- Messages that nobody could read.
SELECT NULL::bigint, NULL::uuid, NULL::bigint, format('%s, partition %s, offset %s, seen at %s: %s', topic, partition, log_offset, seen_at, reason)
FROM poison_messages
