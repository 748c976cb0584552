-- How many events a query finds. The restrictions are those of page.sql; $2 is that of total_of_performers.sql.
SELECT count(*)
FROM events e
WHERE ($2::bigint[] IS NULL)
  AND ($1::bigint[] IS NULL OR e.venue_id = ANY ($1))
  AND ($3::date IS NULL OR e.local_date >= $3 AND e.start_time >= $3 - interval '14 hours')
  AND ($4::date IS NULL OR e.local_date <= $4 AND e.start_time < $4 + interval '36 hours')
  AND ($5::int IS NULL OR e.price_to >= $5)
  AND ($6::int IS NULL OR e.price_from <= $6)
