-- All webhooks in the order of their making, with how many messages wait, how many are set aside, and whether there is something to do.
SELECT w.id, w.url, w.kinds, w.event_ids, w.secret, CASE WHEN w.old_until > now() THEN w.old_secret END, w.old_until, w.cursor, w.version, w.failures,
       coalesce(extract(epoch FROM now() - w.failing_since)::float8, 0), w.last_success_at, coalesce(w.last_error, ''), w.disabled_at, w.created_at,
       (SELECT count(*) FROM webhook_retries r WHERE r.webhook_id = w.id AND r.set_aside_at IS NULL)
           + greatest(0, coalesce((SELECT max(seq) FROM webhook_events), 0) - w.cursor),
       (SELECT count(*) FROM webhook_retries r WHERE r.webhook_id = w.id AND r.set_aside_at IS NOT NULL),
       w.disabled_at IS NULL AND w.next_at <= now() AND (w.cursor < (SELECT coalesce(max(seq), 0) FROM webhook_events)
           OR EXISTS (SELECT FROM webhook_retries r WHERE r.webhook_id = w.id AND r.set_aside_at IS NULL AND r.next_at <= now()))
FROM webhooks w
ORDER BY w.created_at, w.id
