-- The definite end of commands, stored with their effect. A command that has a result already is an error: it was to be
-- answered from there. Arrays, pairwise: $1 command, $2 event, $3 booking, $4 result.
INSERT INTO command_results (command_id, event_id, booking_id, result)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::json[])
