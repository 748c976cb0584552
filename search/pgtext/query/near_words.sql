-- Words of the catalog that share a key with a mistyped one: a superset of those within its edits. $1 keys, $2 shortest and $3 longest length.
SELECT id, word FROM search_words WHERE near && $1::text[] AND length(word) BETWEEN $2 AND $3 LIMIT 500
