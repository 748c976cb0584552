-- The messages of a webhook that are due again and the oldest of their key. $1 webhook, $2 how many.
SELECT r.seq, r.key, r.payload, r.tries, extract(epoch FROM now() - r.first_at)::float8
FROM webhook_retries r
WHERE r.webhook_id = $1 AND r.set_aside_at IS NULL AND r.next_at <= now()
  AND NOT EXISTS (SELECT FROM webhook_retries o WHERE o.webhook_id = $1 AND o.key = r.key AND o.seq < r.seq AND o.set_aside_at IS NULL)
ORDER BY r.seq
LIMIT $2
