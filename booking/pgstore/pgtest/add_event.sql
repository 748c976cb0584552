-- An event on sale at a venue of its own. $1 event id, $2 its text, $3 currency, $4 price, $5 capacity, $6 layout.
WITH venue AS (
    INSERT INTO venues (name, location, city, country, time_zone, external_id)
    VALUES ('Hall ' || $2, 'Berlin, Germany', 'Berlin', 'DE', 'Europe/Berlin', 'venue-' || $2)
    RETURNING id
), layout AS (
    INSERT INTO layouts (venue_id, digest, capacity, spec)
    SELECT id, sha256(convert_to($2, 'UTF8')), $5, $6 FROM venue
    RETURNING id, venue_id
)
INSERT INTO events (id, name, venue_id, performer, start_time, end_time, local_date, currency, prices, price_from, price_to, layout_id,
                    external_id, sale_opened_at)
SELECT $1, 'Event ' || $2, venue_id, 'Nobody', '2026-11-28 20:00+01', '2026-11-28 23:00+01', '2026-11-28', $3, jsonb_build_object('A', $4::int),
       $4::int, $4::int, id, 'event-' || $2, now()
FROM layout
