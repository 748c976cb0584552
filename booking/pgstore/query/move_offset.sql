-- The log is not the one that the offset spoke of: work begins at $4 again. $1 topic, $2 topic id, $3 partition, $5 offset as found.
UPDATE consumer_offsets SET next = $4 WHERE topic = $1 AND topic_id = $2 AND partition = $3 AND next = $5
