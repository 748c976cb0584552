-- How many events a query finds, counted up to $8. Restrictions as in by_date.sql.
SELECT count(*)
FROM (
    SELECT
    FROM event_search s
    WHERE ($1::bigint[] IS NULL OR s.venue_id = ANY ($1))
      AND ($2::tsquery IS NULL OR s.document @@ $2)
      AND ($3::date IS NULL OR s.local_date >= $3 AND s.start_time >= $3 - interval '14 hours')
      AND ($4::date IS NULL OR s.local_date <= $4 AND s.start_time < $4 + interval '36 hours')
      AND ($5::int IS NULL OR s.price_to >= $5)
      AND ($6::int IS NULL OR s.price_from <= $6)
      AND (NOT $7::boolean OR s.for_sale)
    LIMIT $8
) AS found
