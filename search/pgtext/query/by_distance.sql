-- The next events by (distance, start time, id) at some venues, $1, whose distances, $9, stand beside them. $2 to $8 restrict as in filter.sql;
-- $10 and $11 start time and id and $12 the distance that the page follows, $13 how many. With what facets count.
SELECT s.event_id, s.start_time, v.km, s.venue_id, s.category, s.local_date, s.price_from, s.price_to, s.for_sale
FROM unnest($1::bigint[], $9::float8[]) AS v (id, km)
JOIN event_search s ON s.venue_id = v.id
WHERE {filter}
  AND ($10::timestamptz IS NULL OR (v.km, s.start_time, s.event_id) > ($12::float8, $10, $11::bigint))
ORDER BY v.km, s.start_time, s.event_id
LIMIT $13
