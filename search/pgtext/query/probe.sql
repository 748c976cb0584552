-- How dense what is sought lies in a stretch of time, by a fair sample of $13 events (in the order of a hash of their ids): how many were drawn, are in the
-- stretch, have the words, are at the venues, are all that $1 to $8 restrict to (filter.sql); the start of the very first event of the stretch,
-- null if it has none; that of the last one drawn; and how many events there are in all, about. The stretch is {after} a place, $9 and $10, up
-- to another, $11 and $12, both may be null.
SELECT (SELECT count(*) FROM (SELECT FROM event_search LIMIT $13) AS drawn),
       count(*), count(*) FILTER (WHERE s.document @@ $2), count(*) FILTER (WHERE $1::bigint[] IS NULL OR s.venue_id = ANY ($1)),
       count(*) FILTER (WHERE {filter}),
       (SELECT s.start_time FROM event_search s WHERE {stretch} ORDER BY s.start_time {desc} LIMIT 1), {farthest}(s.start_time),
       (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'event_search'::regclass)
FROM (SELECT * FROM event_search ORDER BY hashint8(event_id) LIMIT $13) AS s
WHERE {stretch}
