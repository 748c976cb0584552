-- Keeps up to $4 of this worker's partitions for $3 seconds more and gives the others back. $1 topic, $2 worker.
WITH mine AS (
    SELECT partition, row_number() OVER (ORDER BY partition) AS place
    FROM partition_leases WHERE topic = $1 AND owner = $2
)
UPDATE partition_leases l
SET expires_at = CASE WHEN mine.place <= $4 THEN now() + make_interval(secs => $3) ELSE now() END,
    owner = CASE WHEN mine.place <= $4 THEN l.owner ELSE '' END
FROM mine
WHERE l.topic = $1 AND l.partition = mine.partition AND l.owner = $2
