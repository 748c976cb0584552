-- Adds a webhook that hears what happens from now on, unless there are too many. $1 id, $2 url, $3 kinds, $4 events, $5 secret, $6 how many there may be.
INSERT INTO webhooks (id, url, kinds, event_ids, secret, cursor)
SELECT $1, $2, $3, $4, $5, coalesce((SELECT max(seq) FROM webhook_events), 0)
WHERE (SELECT count(*) FROM webhooks) < $6
