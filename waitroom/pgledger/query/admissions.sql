-- Every number of a run that has entered, and whether its slot is taken: a little longer than its pass lasts. $1 room, $2 run, $3 how much longer.
SELECT number, visitor, jti, entered_at, expires_at, ended_at IS NULL AND expires_at > now() - $3::interval
FROM admissions
WHERE room = $1 AND run = $2
ORDER BY number
