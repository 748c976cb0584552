-- How far an index has got in a log, by partition. $1 index, $2 topic id.
SELECT partition, next FROM index_offsets WHERE index_name = $1 AND topic_id = $2 ORDER BY partition
