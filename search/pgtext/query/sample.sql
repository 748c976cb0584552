-- What facets count, of a fair sample of at most $9 events: in the order of a hash of their ids. $1 to $8 restrict as in filter.sql.
SELECT s.venue_id, s.category, s.local_date, s.price_from, s.price_to, s.for_sale
FROM event_search s
WHERE {filter}
ORDER BY hashint8(s.event_id)
LIMIT $9
