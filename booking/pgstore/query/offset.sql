-- $1 topic, $2 topic id, $3 partition.
SELECT next FROM consumer_offsets WHERE topic = $1 AND topic_id = $2 AND partition = $3
