-- The events with ids from $1 up to before $2 that are not over since $3, and when their facts changed last. The range is one of the primary key.
SELECT id, updated_at
FROM events
WHERE id >= $1 AND id < $2 AND end_time >= $3
ORDER BY id
