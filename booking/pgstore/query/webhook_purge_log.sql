-- Forgets what of the log is old: looks at the $2 oldest rows only. $1 seconds.
DELETE FROM webhook_events
WHERE seq IN (SELECT seq FROM (SELECT seq, created_at FROM webhook_events ORDER BY seq LIMIT $2) AS oldest WHERE created_at < now() - make_interval(secs => $1))
