-- The next events by (distance, start time, id) at some venues, $1, whose distances, $10, stand beside them. Restrictions as in by_date.sql;
-- $8 and $9 start time and id and $11 the distance that the page follows, $12 how many.
SELECT s.event_id, s.start_time, v.km
FROM unnest($1::bigint[], $10::float8[]) AS v (id, km)
JOIN event_search s ON s.venue_id = v.id
WHERE ($1::bigint[] IS NULL OR s.venue_id = ANY ($1))
  AND ($2::tsquery IS NULL OR s.document @@ $2)
  AND ($3::date IS NULL OR s.local_date >= $3 AND s.start_time >= $3 - interval '14 hours')
  AND ($4::date IS NULL OR s.local_date <= $4 AND s.start_time < $4 + interval '36 hours')
  AND ($5::int IS NULL OR s.price_to >= $5)
  AND ($6::int IS NULL OR s.price_from <= $6)
  AND (NOT $7::boolean OR s.for_sale)
  AND ($8::timestamptz IS NULL OR (v.km, s.start_time, s.event_id) > ($11::float8, $8, $9::bigint))
ORDER BY v.km, s.start_time, s.event_id
LIMIT $12
