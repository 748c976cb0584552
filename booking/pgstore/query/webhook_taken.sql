-- Messages that waited and were taken. $1 webhook, $2 numbers.
DELETE FROM webhook_retries WHERE webhook_id = $1 AND seq = ANY ($2::bigint[])
