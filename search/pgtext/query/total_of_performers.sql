-- total.sql for some performers: under an OR, Postgres would not make a join of the restriction.
SELECT count(*)
FROM events e
WHERE ($1::bigint[] IS NULL OR e.venue_id = ANY ($1))
  AND e.id IN (SELECT event_id FROM event_performers WHERE performer_id = ANY ($2))
  AND ($3::date IS NULL OR e.local_date >= $3 AND e.start_time >= $3 - interval '14 hours')
  AND ($4::date IS NULL OR e.local_date <= $4 AND e.start_time < $4 + interval '36 hours')
  AND ($5::int IS NULL OR e.price_to >= $5)
  AND ($6::int IS NULL OR e.price_from <= $6)
