-- The months from $1 on that have events, and the last sequence number that was given in each: an event's id is month << 27 | sequence.
SELECT month, sequence
FROM event_months
WHERE month >= $1 AND sequence > 0
ORDER BY month
