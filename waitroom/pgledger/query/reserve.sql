-- Numbers below the returned end may be given out. $1 room, $2 run, $3 wanted end.
INSERT INTO line_runs (room, run, incarnation, block_end) VALUES ($1, $2, 0, $3)
ON CONFLICT (room, run) DO UPDATE SET block_end = greatest(line_runs.block_end, excluded.block_end), updated_at = now()
RETURNING block_end
