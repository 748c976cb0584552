-- Every number of a run that has entered. $1 room, $2 run.
SELECT number, visitor, jti, entered_at, expires_at, ended_at IS NULL AND expires_at > now()
FROM admissions
WHERE room = $1 AND run = $2
ORDER BY number
