-- A fair sample of $1 events, in the order of a hash of their ids: what restricts them, their words, those that are not of their venue, and how many events and venues there are in all, about.
SELECT s.start_time, s.local_date, s.venue_id, s.price_from, s.price_to, s.for_sale, s.category_key, tsvector_to_array(s.document),
       tsvector_to_array(usher_own(s.document, s.category)),
       (SELECT greatest(reltuples, 0)::float8 FROM pg_class WHERE oid = 'event_search'::regclass),
       (SELECT greatest(reltuples, 0)::float8 FROM pg_class WHERE oid = 'venues'::regclass)
FROM event_search s
ORDER BY hashint8(s.event_id)
LIMIT $1
