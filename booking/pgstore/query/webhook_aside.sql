-- Messages of a webhook that are set aside, in the order of their numbers. $1 webhook, $2 behind which number, $3 how many.
SELECT seq, key, payload, tries, first_at, set_aside_at, error
FROM webhook_retries
WHERE webhook_id = $1 AND seq > $2 AND set_aside_at IS NOT NULL
ORDER BY seq
LIMIT $3
