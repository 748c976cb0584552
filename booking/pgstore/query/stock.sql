-- The seats of an event counted by state, as its worker counts them: held seats count as free. The ids of an event are a range of the primary key.
-- $1 first ticket id, $2 the first id past the event. The last column is how often its seats have changed.
SELECT count(*),
       count(*) FILTER (WHERE status = 'available' AND NOT blocked AND booking_id IS NULL),
       count(*) FILTER (WHERE status = 'available' AND NOT blocked AND booking_id IS NOT NULL),
       count(*) FILTER (WHERE status = 'payment_processing'),
       count(*) FILTER (WHERE status = 'booked'),
       count(*) FILTER (WHERE status = 'available' AND blocked),
       coalesce(sum(version), 0)
FROM tickets
WHERE id >= $1 AND id < $2
