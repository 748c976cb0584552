-- Where each partition of a log is. $1 topic, $2 topic id.
SELECT partition, next FROM consumer_offsets WHERE topic = $1 AND topic_id = $2 ORDER BY partition
