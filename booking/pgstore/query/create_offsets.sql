-- A partition that nobody has worked on begins at $4. $1 topic, $2 topic id, $3 partition.
INSERT INTO consumer_offsets (topic, topic_id, partition, next) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
