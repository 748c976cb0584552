-- A visitor is a user from his first hold on. $1 ids.
INSERT INTO users (id) SELECT DISTINCT u FROM unnest($1::uuid[]) AS u ORDER BY u ON CONFLICT DO NOTHING
