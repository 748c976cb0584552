-- A worker that stops gives its partitions back at once. $1 topic, $2 worker.
WITH gone AS (DELETE FROM worker_presence WHERE topic = $1 AND owner = $2)
UPDATE partition_leases SET owner = '', expires_at = now() WHERE topic = $1 AND owner = $2
