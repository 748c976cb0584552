-- The log's offsets move in the transaction of their effects, and only from where this worker found them.
-- $1 topic, $2 topic id, $3 partitions, $4 offsets as found, $5 offsets to store. Rows: one a partition, or somebody else owns it.
UPDATE consumer_offsets o
SET next = p.next
FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS p (partition, was, next)
WHERE o.topic = $1 AND o.topic_id = $2 AND o.partition = p.partition AND o.next = p.was
