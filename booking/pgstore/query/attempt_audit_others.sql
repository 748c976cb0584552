-- How many attempts there are whose providers are not among some. $1 methods, $2 begun at or after.
SELECT method, count(*) FROM payment_attempts WHERE method <> ALL ($1::text[]) AND created_at >= $2 GROUP BY method ORDER BY method
