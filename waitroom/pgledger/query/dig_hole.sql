-- A hole that begins where another ends is one with it. $1 room, $2 run, $3 from this number, $4 to below this one.
WITH wider AS (
    UPDATE line_holes SET past = $4 WHERE room = $1 AND run = $2 AND past = $3 RETURNING 1
)
INSERT INTO line_holes (room, run, number, past) SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM wider)
