-- Answers of requests that have ended. Arrays, pairwise: $1 scope, $2 status, $3 headers, $4 body.
UPDATE idempotency_keys k
SET status = a.status, headers = a.headers, body = a.body
FROM (SELECT * FROM unnest($1::bytea[], $2::int[], $3::jsonb[], $4::bytea[]) AS a (scope, status, headers, body) ORDER BY scope) AS a
WHERE k.scope = a.scope
