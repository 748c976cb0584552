-- The next events by (start time, id) of a query without words. $1 to $8 restrict as in filter.sql; $9 and $10 start time and id that the page
-- follows, $11 how many.
SELECT s.event_id, s.start_time, 0::bigint
FROM event_search s
WHERE {filter}
  AND ($9::timestamptz IS NULL OR (s.start_time, s.event_id) > ($9, $10::bigint))
ORDER BY s.start_time, s.event_id
LIMIT $11
