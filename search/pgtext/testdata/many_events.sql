-- Many events at many venues, spread over 300 places and a year from tomorrow; every hundredth is on sale with 500 seats. {venues}, {events}
-- are written in by the caller, for it runs as one simple query. Names are of 8,000 made-up words; "band", "hall", "tour" and "live" are common ones.
SET statement_timeout = 0;
CREATE FUNCTION bench_word(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT s[1 + n % 20] || s[1 + n / 20 % 20] || s[1 + n / 400 % 20]
    FROM (SELECT ARRAY['ka','lor','mi','ten','su','var','ne','dol','ri','pam','ho','gel','ta','bir','co','wen','da','fis','lu','mar'] AS s) AS syllables
$$;
INSERT INTO venues (name, location, city, country, latitude, longitude, time_zone, external_id)
SELECT initcap(bench_word(i * 7)) || ' Hall ' || i, 'City ' || i % 300 || ', Country ' || i % 30, 'City ' || i % 300, chr(65 + i % 26) || chr(65 + i % 25),
       -60 + (i % 300) * 0.4 + random() * 0.2, -170 + (i % 300) * 1.1 + random() * 0.2, 'Europe/Berlin', 'v' || i
FROM generate_series(1, {venues}) AS i;
INSERT INTO layouts (venue_id, digest, capacity, spec)
SELECT id, sha256(external_id::bytea), 500, '[{"name": "S", "level": "A", "rows": [{"name": "1", "seats": 500}]}]' FROM venues;
INSERT INTO performers (name, external_id)
SELECT 'The ' || bench_word(i * 3) || ' ' || bench_word(i * 11 + 5) || CASE WHEN i % 3 = 0 THEN ' Band' ELSE '' END, 'p' || i
FROM generate_series(1, {venues} / 2) AS i;
INSERT INTO events (id, name, venue_id, details, performer, start_time, end_time, local_date, category, currency, prices, price_from, price_to, layout_id,
                    external_id, sale_opened_at)
SELECT (324::bigint << 27) + i, initcap(bench_word(i * 13)) || ' ' || CASE i % 4 WHEN 0 THEN 'Tour' WHEN 1 THEN 'Live' ELSE 'Night' END, l.venue_id,
       repeat('Words about it. ', 10), 'The Band', s.at, s.at + interval '2 hours', s.at::date,
       (ARRAY['Music', 'Sport', 'Theatre', 'Comedy', 'Family'])[1 + i % 5], 'EUR', '{"A": 100}', 100 * (i % 290), 200 * (i % 290), l.id, 'e' || i,
       CASE WHEN i % 100 = 0 THEN now() END
FROM generate_series(1, {events}) AS i
JOIN (SELECT *, row_number() OVER () AS n FROM layouts) AS l ON l.n = 1 + i % {venues}
CROSS JOIN LATERAL (SELECT date_trunc('day', now()) + interval '42 hours' + (i::bigint * 7919 % (365 * 24)) * interval '1 hour') AS s (at);
INSERT INTO event_performers (event_id, performer_id, position)
SELECT e.id, 1 + (e.id & 134217727) % ({venues} / 2), 0 FROM events e;
SELECT usher_add_month(324);
INSERT INTO tickets (id, event_id, price, seat_number)
SELECT (e.id << 20) + s, e.id, 100, 'S-1-' || s FROM events e, generate_series(0, 499) AS s WHERE e.sale_opened_at IS NOT NULL;
ANALYZE;
