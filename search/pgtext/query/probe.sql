-- How dense what is sought lies in time: of the next $11 events {after} a place, $9 and $10, how many there are, have the words, are at the venues, and are
-- all that $1 to $8 restrict to (filter.sql); the starts of the nearest and the farthest; and how many events there are in all, about.
SELECT count(*), count(*) FILTER (WHERE s.document @@ $2), count(*) FILTER (WHERE $1::bigint[] IS NULL OR s.venue_id = ANY ($1)),
       count(*) FILTER (WHERE {filter}), {nearest}(s.start_time), {farthest}(s.start_time),
       (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'event_search'::regclass)
FROM (
    SELECT *
    FROM event_search s
    WHERE ($3::date IS NULL OR s.local_date >= $3 AND s.start_time >= $3 - interval '14 hours')
      AND ($4::date IS NULL OR s.local_date <= $4 AND s.start_time < $4 + interval '36 hours')
      AND ($9::timestamptz IS NULL OR (s.start_time, s.event_id) {after} ($9, $10::bigint))
    ORDER BY s.start_time {desc}, s.event_id {desc}
    LIMIT $11
) AS s
