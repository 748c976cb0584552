-- What came of a turn, if the webhook is as it was when the turn began: no row changes when it was replayed, deleted, or somebody else delivers.
-- $1 id, $2 version, $3 cursor, $4 failures, $5 seconds to leave it alone, $6 whether something was taken, $7 last error (empty: none), $8 whether to switch it off.
UPDATE webhooks
SET cursor = $3, version = version + 1, failures = $4, next_at = now() + make_interval(secs => $5),
    failing_since = CASE WHEN $4 = 0 THEN NULL ELSE coalesce(failing_since, now()) END,
    last_success_at = CASE WHEN $6 THEN now() ELSE last_success_at END, last_error = coalesce(nullif($7, ''), last_error),
    disabled_at = CASE WHEN $8 THEN now() END
WHERE id = $1 AND version = $2 AND disabled_at IS NULL
