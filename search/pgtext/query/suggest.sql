-- Names that somebody may be typing. $1 LIKE patterns of the words but the last, $5 that of the last (by itself, for the trigram index), $2 that of a name that begins with them, $3 the next events with the words in their
-- names, $4 how many. Each kind is looked for up to a bound; then those that begin with the text come first, kinds in turn, short names before long.
WITH performer AS (
    SELECT 'performer', name, '', id, folded_name LIKE $2 AS begins
    FROM performers WHERE folded_name LIKE $5 AND folded_name LIKE ALL ($1::text[]) LIMIT 500
), venue AS (
    SELECT 'venue', name, location, id, folded_name LIKE $2 AS begins
    FROM venues WHERE folded_name LIKE $5 AND folded_name LIKE ALL ($1::text[]) LIMIT 500
), city AS (
    SELECT DISTINCT 'city', city, location, 0::bigint, folded_place LIKE $2 AS begins
    FROM (SELECT * FROM venues WHERE folded_place LIKE $5 AND folded_place LIKE ALL ($1::text[]) LIMIT 2000) AS v
), event AS (
    SELECT DISTINCT ON (e.name, v.location) 'event', e.name, v.location, e.id, usher_fold(e.name) LIKE $2 AS begins
    FROM events e
    JOIN venues v ON v.id = e.venue_id
    WHERE e.id = ANY ($3::bigint[])
    ORDER BY e.name, v.location, e.start_time, e.id
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY begins DESC, length(text), text, id) AS n
    FROM (SELECT * FROM performer UNION ALL SELECT * FROM venue UNION ALL SELECT * FROM city UNION ALL SELECT * FROM event) AS named (kind, text, detail, id, begins)
)
SELECT kind, text, detail, id
FROM ranked
ORDER BY begins DESC, n, array_position(ARRAY['performer', 'event', 'city', 'venue'], kind)
LIMIT $4
