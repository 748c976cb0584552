-- What facets count, of some events. $1 ids.
SELECT s.venue_id, s.category, s.local_date, s.price_from, s.price_to, s.for_sale FROM event_search s WHERE s.event_id = ANY ($1::bigint[])
