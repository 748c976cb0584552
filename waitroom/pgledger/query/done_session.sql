-- The end of a session whose number is not known, as done. $1 room, $2 run, $3 jti. Returns the incarnation.
WITH ended AS (
    UPDATE admissions SET ended_at = now() WHERE room = $1 AND run = $2 AND jti = $3 AND ended_at IS NULL AND expires_at > now() - interval '1 minute'
)
SELECT incarnation FROM line_runs WHERE room = $1 AND run = $2 FOR KEY SHARE
