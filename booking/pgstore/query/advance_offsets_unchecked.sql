-- advance_offsets without its guard: for the negative control alone.
UPDATE consumer_offsets o
SET next = p.next
FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS p (partition, was, next)
WHERE o.topic = $1 AND o.topic_id = $2 AND o.partition = p.partition
