-- Adds events, and changes those whose id exists. Arrays, one element an event: $1 ids, $2 names, $3 venue ids, $4 images ('': none),
-- $5 details, $6 headliners, $7 starts, $8 ends, $9 venue-local dates, $10 categories, $11 currencies, $12 prices, $13 lowest and
-- $14 highest price, $15 layout ids, $16 external ids. Returns the new versions.
INSERT INTO events (id, name, venue_id, s3_image_url, details, performer, start_time, end_time, local_date, category, currency, prices,
                    price_from, price_to, layout_id, external_id)
SELECT i.id, i.name, i.venue, nullif(i.image, ''), i.details, i.performer, i.start_time, i.end_time, i.local_date, i.category, i.currency,
       i.prices, i.price_from, i.price_to, i.layout, i.external_id
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::date[],
            $10::text[], $11::text[], $12::jsonb[], $13::int[], $14::int[], $15::bigint[], $16::text[])
     AS i (id, name, venue, image, details, performer, start_time, end_time, local_date, category, currency, prices, price_from, price_to,
           layout, external_id)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, venue_id = excluded.venue_id, s3_image_url = excluded.s3_image_url, details = excluded.details,
    performer = excluded.performer, start_time = excluded.start_time, end_time = excluded.end_time, local_date = excluded.local_date,
    category = excluded.category, currency = excluded.currency, prices = excluded.prices, price_from = excluded.price_from,
    price_to = excluded.price_to, layout_id = excluded.layout_id, version = events.version + 1, updated_at = now()
RETURNING id, version
