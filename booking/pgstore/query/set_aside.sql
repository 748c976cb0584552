-- Messages that nobody can read, kept for a human. Arrays, pairwise: $1 topic, $2 partition, $3 offset, $4 message (null: it was empty), $5 reason.
INSERT INTO poison_messages (topic, partition, log_offset, message, reason)
SELECT m.topic, m.partition, m.log_offset, coalesce(m.message, ''), m.reason
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::text[]) AS m (topic, partition, log_offset, message, reason)
ON CONFLICT DO NOTHING
