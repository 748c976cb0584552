-- How many events a query without words finds, counted up to $9. $1 to $8 restrict as in filter.sql.
SELECT count(*) FROM (SELECT FROM event_search s WHERE {filter} LIMIT $9) AS found
