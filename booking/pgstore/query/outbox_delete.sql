-- Nothing is left to do for these rows. $1 ids.
DELETE FROM outbox WHERE id = ANY ($1::bigint[])
