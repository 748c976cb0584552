-- Puts a test message in line, before all others. $1 webhook, $2 payload. No row: there is no such webhook, or too many tests wait ($3).
INSERT INTO webhook_retries (webhook_id, seq, key, payload, tries, first_at, next_at, error)
SELECT w.id, -nextval('webhook_tests'), 'test', $2, 0, now(), now(), ''
FROM webhooks w
WHERE w.id = $1 AND (SELECT count(*) FROM webhook_retries r WHERE r.webhook_id = w.id AND r.key = 'test' AND r.set_aside_at IS NULL) < $3
RETURNING seq
