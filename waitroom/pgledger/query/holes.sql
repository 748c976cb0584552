-- The holes of a run, in order. $1 room, $2 run.
SELECT number, past FROM line_holes WHERE room = $1 AND run = $2 ORDER BY number
