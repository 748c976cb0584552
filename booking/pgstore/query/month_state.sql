-- Whether a table is there ($1 its name), is a partition, and is one that is half detached.
SELECT to_regclass($1) IS NOT NULL, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false)
FROM (VALUES (1)) AS one (row)
LEFT JOIN pg_inherits i ON i.inhrelid = to_regclass($1)
