-- The next events with some words in time, {after} a place. $1 to $8 restrict as in filter.sql; $9 and $10 start time and id that they follow, null for none;
-- $11 and $12 the last one or null; $13 how many; $14 the words that an index is asked for, marked with weeks if some are looked through, or null for none.
-- The source is the table, or the events with those words; the time is in an order that an index has, or not: see inTime; it may ask for what facets count, too. Ranked if $15 and $16 are given: all words as they are typed, and with the last one unfinished. The rank is a function of the document and
-- the words alone: thousands for exactness, below them how often, how close to each other and where (performers 1, name 0.8, venue 0.4, place
-- 0.2) the words stand: ts_rank_cd, cover density after Clarke, Cormack and Tudhope.
SELECT c.event_id, c.start_time,
       CASE WHEN $15::tsquery IS NULL THEN 0 ELSE
           CASE WHEN c.document @@ $15::tsquery THEN 2000 WHEN c.document @@ $16::tsquery THEN 1000 ELSE 0 END
           + least(999, round(100 * ts_rank_cd('{0.2, 0.4, 0.8, 1}', c.document, $2))) END::bigint{facts}
FROM (
    SELECT s.event_id, s.start_time, s.document{facts}
    FROM {source} s
    WHERE {filter}
      AND ($9::timestamptz IS NULL OR (s.start_time, s.event_id) {after} ($9, $10::bigint))
      AND ($11::timestamptz IS NULL OR (s.start_time, s.event_id) {until} ($11, $12::bigint))
    ORDER BY {time} {desc}, s.event_id {desc}
    LIMIT $13
) AS c
ORDER BY c.start_time {desc}, c.event_id {desc}
