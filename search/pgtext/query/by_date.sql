-- The next events by (start time, id). The restrictions are the same in every statement here; null does not restrict: $1 venue ids, $2 words,
-- $3 first and $4 last venue-local date (the bounds on start_time say the same a little wider, for the index), $5 and $6 price range in
-- minor units, $7 only what is for sale. $8 and $9 start time and id that the page follows, $10 how many.
SELECT s.event_id, s.start_time, 0::bigint
FROM event_search s
WHERE ($1::bigint[] IS NULL OR s.venue_id = ANY ($1))
  AND ($2::tsquery IS NULL OR s.document @@ $2)
  AND ($3::date IS NULL OR s.local_date >= $3 AND s.start_time >= $3 - interval '14 hours')
  AND ($4::date IS NULL OR s.local_date <= $4 AND s.start_time < $4 + interval '36 hours')
  AND ($5::int IS NULL OR s.price_to >= $5)
  AND ($6::int IS NULL OR s.price_from <= $6)
  AND (NOT $7::boolean OR s.for_sale)
  AND ($8::timestamptz IS NULL OR (s.start_time, s.event_id) > ($8, $9::bigint))
ORDER BY s.start_time, s.event_id
LIMIT $10
