-- The log after a number. $1 number, $2 how many.
SELECT seq, payload FROM webhook_events WHERE seq > $1 ORDER BY seq LIMIT $2
