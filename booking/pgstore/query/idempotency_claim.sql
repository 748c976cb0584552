-- Claims keys for requests that begin; a key whose first request crashed, or that is a day old, is free again.
-- Arrays, pairwise: $1 scope, $2 request hash. $3 seconds that a claim lasts. Returns the scopes that were claimed.
INSERT INTO idempotency_keys (scope, request_hash, locked_until)
SELECT scope, request, now() + make_interval(secs => $3) FROM unnest($1::bytea[], $2::bytea[]) AS k (scope, request) ORDER BY scope
ON CONFLICT (scope) DO UPDATE
SET request_hash = excluded.request_hash, locked_until = excluded.locked_until, status = NULL, headers = NULL, body = NULL, created_at = now()
WHERE idempotency_keys.status IS NULL AND idempotency_keys.locked_until <= now()
   OR idempotency_keys.created_at < now() - interval '24 hours'
RETURNING scope
