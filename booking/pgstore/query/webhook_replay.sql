-- Begins again after a number of the log, or with the first message since a time: what waits or is set aside from there on comes from the log again. A
-- webhook that was switched off is switched on. $1 id, $2 number (null: by time), $3 time.
WITH start AS (
    SELECT least(coalesce($2::bigint, (SELECT min(seq) - 1 FROM webhook_events WHERE created_at >= $3::timestamptz), (SELECT max(seq) FROM webhook_events)),
                 (SELECT coalesce(max(seq), 0) FROM webhook_events)) AS cursor
), again AS (
    UPDATE webhooks w SET cursor = coalesce(b.cursor, 0), version = version + 1, failures = 0, failing_since = NULL, next_at = '-infinity', disabled_at = NULL
    FROM start b WHERE w.id = $1
    RETURNING w.id, w.cursor
), dropped AS (
    DELETE FROM webhook_retries r USING again a WHERE r.webhook_id = a.id AND r.seq > a.cursor
)
SELECT count(*) FROM again
