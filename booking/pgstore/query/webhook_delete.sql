-- Removes a webhook and what waits for it. $1 id.
DELETE FROM webhooks WHERE id = $1
