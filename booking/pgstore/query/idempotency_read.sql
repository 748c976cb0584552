-- What is stored under keys; status null while the first request runs. $1 scopes.
SELECT scope, request_hash, status, headers, body FROM idempotency_keys WHERE scope = ANY ($1::bytea[])
