-- Moves on how far an index has got, from where the caller found it. $1 index, $2 topic id; arrays, pairwise: $3 partition, $4 where it was,
-- $5 where it is now. A row that is not touched has been moved by somebody else.
UPDATE index_offsets o SET next = m.next
FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS m (partition, was, next)
WHERE o.index_name = $1 AND o.topic_id = $2 AND o.partition = m.partition AND o.next = m.was
