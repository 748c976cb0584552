-- Messages that nobody can read, kept for a human. Arrays, pairwise: $1 topic, $2 partition, $3 offset, $4 message, $5 reason.
INSERT INTO poison_messages (topic, partition, log_offset, message, reason)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::text[])
ON CONFLICT DO NOTHING
