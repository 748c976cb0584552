-- Numbers below the returned end may be given out by the incarnation. $1 room, $2 run, $3 incarnation, $4 wanted end. No row: the incarnation is over.
UPDATE line_runs SET block_end = greatest(block_end, $4), updated_at = now() WHERE room = $1 AND run = $2 AND incarnation = $3 RETURNING block_end
