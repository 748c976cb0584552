-- The log knows how these attempts ended: nothing is left to do for them. $1 ids.
UPDATE payment_attempts SET settled = true, live = false, updated_at = now() WHERE id = ANY ($1::uuid[])
