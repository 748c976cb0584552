-- Forgets keys that are a day old, a bounded number at a time. $1 how many.
DELETE FROM idempotency_keys
WHERE scope IN (SELECT scope FROM idempotency_keys WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT $1)
