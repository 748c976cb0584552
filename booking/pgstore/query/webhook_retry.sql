-- Messages that wait, or are set aside. $1 webhook, then an array a column: $2 number, $3 key, $4 payload, $5 tries, $6 seconds until it is due, $7 error,
-- $8 whether it is set aside.
INSERT INTO webhook_retries AS r (webhook_id, seq, key, payload, tries, first_at, next_at, error, set_aside_at)
SELECT $1, n.seq, n.key, n.payload, n.tries, now(), now() + make_interval(secs => n.after), n.error, CASE WHEN n.aside THEN now() END
FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::int[], $6::float8[], $7::text[], $8::bool[]) AS n (seq, key, payload, tries, after, error, aside)
ON CONFLICT (webhook_id, seq) DO UPDATE
SET tries = excluded.tries, next_at = excluded.next_at, error = excluded.error, set_aside_at = excluded.set_aside_at
