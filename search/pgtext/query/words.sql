-- Words of the catalog. $1 ids.
SELECT id, word FROM search_words WHERE id = ANY ($1::bigint[])
