-- This worker lives. $1 topic, $2 worker, $3 seconds. Returns how many workers live.
WITH me AS (
    INSERT INTO worker_presence (topic, owner, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
    ON CONFLICT (topic, owner) DO UPDATE SET expires_at = excluded.expires_at
    RETURNING owner
), dead AS (
    DELETE FROM worker_presence WHERE topic = $1 AND expires_at < now() - interval '1 minute'
)
SELECT count(*) FROM (
    SELECT owner FROM worker_presence WHERE topic = $1 AND expires_at > now()
    UNION SELECT owner FROM me
) AS live
