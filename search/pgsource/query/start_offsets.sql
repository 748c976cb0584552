-- An index begins at these places of the log, one a partition from 0 on. $1 index, $2 topic id, $3 offsets.
INSERT INTO index_offsets (index_name, topic_id, partition, next)
SELECT $1, $2, o.place - 1, o.next FROM unnest($3::bigint[]) WITH ORDINALITY AS o (next, place)
