-- Keys whose answer is not to be kept. $1 scopes.
DELETE FROM idempotency_keys WHERE scope = ANY ($1::bytea[]) AND status IS NULL
