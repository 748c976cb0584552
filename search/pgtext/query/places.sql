-- Names and places of venues. $1 ids.
SELECT id, name, location FROM venues WHERE id = ANY ($1::bigint[])
