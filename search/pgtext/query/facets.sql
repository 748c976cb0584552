-- What a query finds, counted by what it could be narrowed to, over the first $8 events by date; $9 values each. Restrictions as in by_date.sql.
-- Returns facet, value, label, count.
WITH found AS MATERIALIZED (
    SELECT s.venue_id, s.category, s.local_date, s.price_from, s.price_to, s.for_sale
    FROM event_search s
    WHERE ($1::bigint[] IS NULL OR s.venue_id = ANY ($1))
      AND ($2::tsquery IS NULL OR s.document @@ $2)
      AND ($3::date IS NULL OR s.local_date >= $3 AND s.start_time >= $3 - interval '14 hours')
      AND ($4::date IS NULL OR s.local_date <= $4 AND s.start_time < $4 + interval '36 hours')
      AND ($5::int IS NULL OR s.price_to >= $5)
      AND ($6::int IS NULL OR s.price_from <= $6)
      AND (NOT $7::boolean OR s.for_sale)
    ORDER BY s.start_time, s.event_id
    LIMIT $8
), venue AS MATERIALIZED (
    SELECT venue_id, count(*) AS n FROM found GROUP BY venue_id
)
SELECT 'venue', 'ven-' || v.id, v.name, f.n
FROM (SELECT * FROM venue ORDER BY n DESC, venue_id LIMIT $9) AS f
JOIN venues v ON v.id = f.venue_id
UNION ALL
SELECT 'city', location, location, n
FROM ( -- OFFSET 0: venues are hashed once, for the planner cannot know that thousands will be looked up
    SELECT v.location, sum(f.n)::bigint AS n
    FROM venue f JOIN (SELECT id, location FROM venues OFFSET 0) AS v ON v.id = f.venue_id
    GROUP BY v.location ORDER BY n DESC, v.location LIMIT $9
) AS f
UNION ALL
SELECT 'category', category, category, n
FROM (SELECT category, count(*) AS n FROM found WHERE category <> '' GROUP BY category ORDER BY n DESC, category LIMIT $9) AS f
UNION ALL
SELECT 'month', month, month, n
FROM (
    SELECT to_char(local_date, 'YYYY-MM') AS month, sum(n)::bigint AS n
    FROM (SELECT local_date, count(*) AS n FROM found GROUP BY local_date) AS day
    GROUP BY month ORDER BY month LIMIT $9
) AS f
UNION ALL
SELECT 'price', b.value, b.value, b.n
FROM (
    SELECT count(*) FILTER (WHERE price_from < 2500) AS a, count(*) FILTER (WHERE price_from < 5000 AND price_to >= 2500) AS b,
           count(*) FILTER (WHERE price_from < 10000 AND price_to >= 5000) AS c,
           count(*) FILTER (WHERE price_from < 20000 AND price_to >= 10000) AS d, count(*) FILTER (WHERE price_to >= 20000) AS e
    FROM found
) AS f
CROSS JOIN LATERAL (VALUES ('0-2499', f.a), ('2500-4999', f.b), ('5000-9999', f.c), ('10000-19999', f.d), ('20000-', f.e)) AS b (value, n)
WHERE b.n > 0
UNION ALL
SELECT 'available', 'true', '', count(*) FROM found WHERE for_sale HAVING count(*) > 0
UNION ALL
SELECT 'total', '', '', count(*) FROM found
