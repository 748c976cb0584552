-- $1 topic, $2 worker.
SELECT partition FROM partition_leases WHERE topic = $1 AND owner = $2 AND expires_at > now() ORDER BY partition
