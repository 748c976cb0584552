-- Says who plays at events. $1 event ids, $2 performer ids, $3 positions.
INSERT INTO event_performers (event_id, performer_id, position)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[])
