-- Events to be ranked: those that follow a point in time, up to a horizon. Restrictions $1 to $7 as in by_date.sql, $8 and $9 start time and
-- id that they follow, $10 and $11 the last one or null, $12 how many at most, $13 all words as they are typed, $14 the last one unfinished.
-- The rank is a function of the document and the words alone: thousands for exactness, below them how often, how close to each other and
-- where (performers 1, name 0.8, venue 0.4, place 0.2) the words stand: ts_rank_cd, cover density after Clarke, Cormack and Tudhope.
SELECT c.event_id, c.start_time,
       CASE WHEN c.document @@ $13::tsquery THEN 2000 WHEN c.document @@ $14::tsquery THEN 1000 ELSE 0 END
           + least(999, round(100 * ts_rank_cd('{0.2, 0.4, 0.8, 1}', c.document, $2)))::bigint
FROM (
    SELECT s.event_id, s.start_time, s.document
    FROM event_search s
    WHERE ($1::bigint[] IS NULL OR s.venue_id = ANY ($1))
      AND ($2::tsquery IS NULL OR s.document @@ $2)
      AND ($3::date IS NULL OR s.local_date >= $3 AND s.start_time >= $3 - interval '14 hours')
      AND ($4::date IS NULL OR s.local_date <= $4 AND s.start_time < $4 + interval '36 hours')
      AND ($5::int IS NULL OR s.price_to >= $5)
      AND ($6::int IS NULL OR s.price_from <= $6)
      AND (NOT $7::boolean OR s.for_sale)
      AND (s.start_time, s.event_id) > ($8::timestamptz, $9::bigint)
      AND ($10::timestamptz IS NULL OR (s.start_time, s.event_id) <= ($10, $11::bigint))
    ORDER BY s.start_time, s.event_id
    LIMIT $12
) AS c
ORDER BY c.start_time, c.event_id
