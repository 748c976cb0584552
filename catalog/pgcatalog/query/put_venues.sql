-- Adds and changes venues by external id. Arrays, one element a venue: $1 external ids, $2 names, $3 locations, $4 cities, $5 countries,
-- $6 latitudes, $7 longitudes, $8 time zones. Returns those that were added or changed.
INSERT INTO venues (external_id, name, location, city, country, latitude, longitude, time_zone)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::float8[], $8::text[])
ON CONFLICT (external_id) DO UPDATE
SET name = excluded.name, location = excluded.location, city = excluded.city, country = excluded.country, latitude = excluded.latitude,
    longitude = excluded.longitude, time_zone = excluded.time_zone
WHERE (venues.name, venues.location, venues.city, venues.country, venues.latitude, venues.longitude, venues.time_zone)
    IS DISTINCT FROM (excluded.name, excluded.location, excluded.city, excluded.country, excluded.latitude, excluded.longitude, excluded.time_zone)
RETURNING external_id, id, xmax = 0
