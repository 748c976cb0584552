-- Takes partitions whose lease has run out, until this worker has $4. $1 topic, $2 worker, $3 seconds, $5 number of partitions.
INSERT INTO partition_leases (topic, partition, owner, epoch, expires_at)
SELECT $1, p, $2, 1, now() + make_interval(secs => $3)
FROM generate_series(0, $5 - 1) AS p
WHERE NOT EXISTS (SELECT FROM partition_leases l WHERE l.topic = $1 AND l.partition = p AND l.expires_at > now())
ORDER BY random()
LIMIT greatest(0, $4 - (SELECT count(*) FROM partition_leases WHERE topic = $1 AND owner = $2))
ON CONFLICT (topic, partition) DO UPDATE
SET owner = excluded.owner, epoch = partition_leases.epoch + 1, expires_at = excluded.expires_at
WHERE partition_leases.expires_at <= now()
