-- $1 room, $2 run, $3 from this number, $4 to below this one.
INSERT INTO line_holes (room, run, number, past) VALUES ($1, $2, $3, $4)
