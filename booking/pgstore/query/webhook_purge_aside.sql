-- Forgets messages that were set aside long ago. $1 seconds, $2 how many.
DELETE FROM webhook_retries
WHERE (webhook_id, seq) IN (SELECT webhook_id, seq FROM webhook_retries WHERE set_aside_at < now() - make_interval(secs => $1) LIMIT $2)
