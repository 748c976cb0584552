-- Every month that has tables: how many of the three are attached and how many are half detached, their size with indexes, and about how many tickets.
SELECT right(c.relname, 7), count(i.inhrelid) FILTER (WHERE NOT i.inhdetachpending), count(*) FILTER (WHERE i.inhdetachpending), count(*),
       sum(pg_total_relation_size(c.oid))::bigint, coalesce(sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relname LIKE 'tickets%'), 0)::bigint
FROM pg_class c
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname ~ '^(tickets|bookings|booking_seats)_[0-9]{4}_[0-9]{2}$'
GROUP BY 1
ORDER BY 1
