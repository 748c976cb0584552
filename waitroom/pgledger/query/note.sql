-- Neither the numbers given out nor the ceiling ever go down. $1 room, $2 run, $3 incarnation, $4 issued, $5 ceiling. No row: the incarnation is over.
UPDATE line_runs SET issued = greatest(issued, $4), ceiling = greatest(ceiling, $5), updated_at = now() WHERE room = $1 AND run = $2 AND incarnation = $3
