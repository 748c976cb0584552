-- Messages that led to no document, kept for a human. $1 topic; arrays, pairwise: $2 partition, $3 offset, $4 message (null: it was empty),
-- $5 reason.
INSERT INTO poison_messages (topic, partition, log_offset, message, reason)
SELECT $1, m.partition, m.log_offset, coalesce(m.message, ''), m.reason
FROM unnest($2::int[], $3::bigint[], $4::bytea[], $5::text[]) AS m (partition, log_offset, message, reason)
ON CONFLICT DO NOTHING
