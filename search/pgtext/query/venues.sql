-- The venues that a query allows. Null does not restrict. $1 id, $2 words of the name, $3 words of the place, $4 more words of the place,
-- $5 latitude, $6 longitude, $7 radius in km: haversine on a sphere, behind a band of latitudes (a degree is 111.19 km) that an index finds.
-- Returns them with their distances in km, the nearest first; without a point all are 0.
SELECT id, km
FROM (
    SELECT id, coalesce(2 * 6371.0 * asin(least(1, sqrt(sin(radians(latitude - $5) / 2) ^ 2
               + cos(radians($5)) * cos(radians(latitude)) * sin(radians(longitude - $6::float8) / 2) ^ 2))), 0) AS km
    FROM venues
    WHERE ($1::bigint IS NULL OR id = $1)
      AND ($2::text IS NULL OR folded_name LIKE '%' || usher_fold($2) || '%')
      AND ($3::text IS NULL OR folded_place LIKE '%' || usher_fold($3) || '%')
      AND ($4::text[] IS NULL OR folded_place LIKE ALL (SELECT '%' || usher_fold(part) || '%' FROM unnest($4::text[]) AS part))
      AND ($5::float8 IS NULL OR latitude BETWEEN $5 - $7::float8 / 111.0 AND $5 + $7::float8 / 111.0 AND longitude IS NOT NULL)
) AS near
WHERE $7::float8 IS NULL OR km <= $7
ORDER BY km, id
LIMIT 20000
