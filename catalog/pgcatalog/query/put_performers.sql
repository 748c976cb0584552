-- Adds and changes performers by external id. $1 external ids, $2 names. Returns those that were added or changed.
INSERT INTO performers (external_id, name)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (external_id) DO UPDATE SET name = excluded.name WHERE performers.name <> excluded.name
RETURNING external_id, id, xmax = 0
