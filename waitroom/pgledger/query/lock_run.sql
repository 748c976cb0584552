-- Locks a run: admissions wait, and see the next incarnation. $1 room, $2 run. Returns its end of the block, the numbers given out as last seen,
-- the ceiling, and whether somebody else may still be restoring the line.
SELECT block_end, issued, ceiling, recovered_at > clock_timestamp() - interval '1 second'
FROM line_runs
WHERE room = $1 AND run = $2
FOR UPDATE
