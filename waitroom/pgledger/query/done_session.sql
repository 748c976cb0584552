-- The end of a session whose number is not known. $1 room, $2 run, $3 jti.
UPDATE admissions SET ended_at = now() WHERE room = $1 AND run = $2 AND jti = $3 AND ended_at IS NULL AND expires_at > now() - interval '1 minute'
