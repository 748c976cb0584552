-- The keys of the messages that wait, once for each message. $1 webhook.
SELECT key FROM webhook_retries WHERE webhook_id = $1 AND set_aside_at IS NULL
