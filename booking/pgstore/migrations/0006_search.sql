-- Searching within a bound: what a wide search counts and shows is read from indexes alone, and the events of a common word are found a week
-- at a time. docs/search.md has the picture. The table is written once over.

-- +goose Up

-- usher_weekly marks each word of a document with the week of a time, in four hexadecimal digits counted from 1970: "0b98theatre". Its index
-- finds the events of a word in a few weeks for the price of those events. Dear, as the planner must know, for it is not stored.
-- +goose StatementBegin
CREATE FUNCTION usher_weekly(document tsvector, at timestamptz) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
    SELECT array_to_tsvector(ARRAY(SELECT lpad(to_hex(floor(extract(epoch FROM at) / 604800)::int), 4, '0') || word FROM unnest(tsvector_to_array(document)) AS word))
$$;
-- +goose StatementEnd

-- Each way to walk carries all that a search without words restricts and counts, so that the table's wide rows are not touched. The
-- category as it is compared takes the place of the documents' mark '@jazz'; both changes write the table once.
DROP INDEX event_search_by_date, event_search_by_venue, event_search_by_words, event_search_for_sale;
ALTER TABLE event_search
    ADD COLUMN category_key text NOT NULL GENERATED ALWAYS AS (btrim(usher_fold(category))) STORED,
    ALTER COLUMN document TYPE tsvector USING ts_delete(document, '@' || btrim(usher_fold(category))),
    ALTER COLUMN document SET STATISTICS 100; -- a plan reads them all, and ten thousand words took longer than the search
CREATE INDEX event_search_by_date     ON event_search (start_time, event_id)
    INCLUDE (local_date, venue_id, price_from, price_to, for_sale, category, category_key);
CREATE INDEX event_search_by_venue    ON event_search (venue_id, start_time, event_id)
    INCLUDE (local_date, price_from, price_to, for_sale, category, category_key);
CREATE INDEX event_search_by_category ON event_search (category_key, start_time, event_id)
    INCLUDE (local_date, venue_id, price_from, price_to, for_sale, category);
CREATE INDEX event_search_shuffled    ON event_search (hashint8(event_id)) -- a walk along it is a fair sample
    INCLUDE (event_id, start_time, local_date, venue_id, price_from, price_to, for_sale, category, category_key);
CREATE INDEX event_search_for_sale    ON event_search (start_time, event_id) WHERE for_sale;
CREATE INDEX event_search_by_words    ON event_search USING gin (document) WITH (gin_pending_list_limit = 256); -- kB: every search reads that list
CREATE INDEX event_search_by_week     ON event_search USING gin (usher_weekly(document, start_time)) WITH (gin_pending_list_limit = 256);

-- An index alone answers for pages that a vacuum has seen.
ALTER TABLE event_search SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.02);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION usher_index_events(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(cardinality(ids), 0) = 0 THEN RETURN; END IF;
    INSERT INTO event_search AS s (event_id, start_time, local_date, venue_id, price_from, price_to, for_sale, category, document)
    SELECT e.id, e.start_time, e.local_date, e.venue_id, e.price_from, e.price_to, e.sale_opened_at IS NOT NULL, e.category,
           coalesce(p.document, '') || usher_words(e.name, 'B') || v.document || usher_words(e.category, 'D')
    FROM events e
    JOIN venues v ON v.id = e.venue_id
    CROSS JOIN LATERAL ( -- a subquery a performer: before statistics exist, a join would read all performers for each event
        SELECT usher_join((SELECT document || array_to_tsvector(ARRAY['#' || id]) FROM performers WHERE id = l.performer_id) ORDER BY position) AS document
        FROM (SELECT performer_id, position FROM event_performers WHERE event_id = e.id ORDER BY position LIMIT 200) AS l
    ) AS p
    WHERE e.id = ANY (ids)
    ORDER BY e.start_time, e.id
    ON CONFLICT (event_id) DO UPDATE
    SET start_time = excluded.start_time, local_date = excluded.local_date, venue_id = excluded.venue_id, price_from = excluded.price_from,
        price_to = excluded.price_to, category = excluded.category, document = excluded.document
    WHERE (s.start_time, s.local_date, s.venue_id, s.price_from, s.price_to, s.category, s.document)
        IS DISTINCT FROM (excluded.start_time, excluded.local_date, excluded.venue_id, excluded.price_from, excluded.price_to, excluded.category, excluded.document);

    INSERT INTO search_words (word)
    SELECT word
    FROM (SELECT DISTINCT unnest(tsvector_to_array(document)) AS word FROM event_search WHERE event_id = ANY (ids) OFFSET 0) AS used
    WHERE NOT EXISTS (SELECT FROM search_words k WHERE k.word = used.word)
      AND word ~ '^[^0-9#\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]{3,40}$'
    ORDER BY word
    ON CONFLICT (word) DO NOTHING;
END $$;
-- +goose StatementEnd
