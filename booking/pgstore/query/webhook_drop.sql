-- Forgets a message that is set aside. $1 webhook, $2 number.
DELETE FROM webhook_retries WHERE webhook_id = $1 AND seq = $2 AND set_aside_at IS NOT NULL
