-- A request that is repeated under its key is answered as before: the key and the answer are kept with the booking. A key that is there refuses.
-- $1 scope, $2 hash of the request, $3 answer.
INSERT INTO idempotency_keys (scope, request_hash, status, body, locked_until) VALUES ($1, $2, 201, $3, now())
