-- Makes sure that there is a row of the run, to be locked. $1 room, $2 run.
INSERT INTO line_runs (room, run, incarnation, block_end) VALUES ($1, $2, 0, 0) ON CONFLICT (room, run) DO NOTHING
