-- Neither the numbers given out nor the ceiling ever go down. $1 room, $2 run, $3 issued, $4 ceiling.
UPDATE line_runs SET issued = greatest(issued, $3), ceiling = greatest(ceiling, $4), updated_at = now() WHERE room = $1 AND run = $2
