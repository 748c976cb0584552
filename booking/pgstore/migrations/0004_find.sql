-- What searching needs: one row an event with all that a search restricts, ranks or counts (event_search), and the words of the catalog
-- (search_words), so that a mistyped word is led back to known ones before the search. Triggers keep both true; docs/search.md has the picture.

-- +goose Up

-- usher_words makes a searchable document of a text: the words of usher_fold with their places, Chinese and Japanese text apart by characters,
-- since no blanks stand between its words. The places leave a gap of eight in front, so that no phrase reaches from one document into the next
-- when they are put together. Folded text holds letters, digits and blanks only: the parser of to_tsvector finds nothing to be clever about.
-- +goose StatementBegin
CREATE FUNCTION usher_words(t text, weight "char") RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ -- not strict, so that it is inlined
    SELECT ts_delete('!:8'::tsvector || setweight(to_tsvector('simple'::regconfig, CASE
        WHEN octet_length(t) = length(t) THEN public.usher_fold(t)
        ELSE regexp_replace(public.usher_fold(t), '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g') END), weight), '!')
$$;
-- +goose StatementEnd

ALTER TABLE venues
    ADD COLUMN document tsvector NOT NULL GENERATED ALWAYS AS (usher_words(name, 'C') || usher_words(city || ' ' || location, 'D')) STORED;
ALTER TABLE performers
    ADD COLUMN document tsvector NOT NULL GENERATED ALWAYS AS (usher_words(name, 'A')) STORED;

-- usher_near returns the keys under which a word is found in spite of typos: its first seven letters, without any one of them, and from six
-- letters on without any two. Two words within that many edits share a key: the symmetric deletes of W. Garbe's SymSpell, with its prefix of 7.
-- +goose StatementBegin
CREATE FUNCTION usher_near(word text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    whole text := left(word, 7);
    less  text;
    keys  text[] := ARRAY[whole];
BEGIN
    FOR i IN 1 .. length(whole) LOOP
        less := left(whole, i - 1) || substr(whole, i + 1);
        keys := keys || less;
        IF length(word) >= 6 THEN
            FOR j IN i .. length(less) LOOP
                keys := keys || (left(less, j - 1) || substr(less, j + 1));
            END LOOP;
        END IF;
    END LOOP;
    RETURN keys;
END $$;
-- +goose StatementEnd

CREATE AGGREGATE usher_join(tsvector) (SFUNC = tsvector_concat, STYPE = tsvector, INITCOND = '');

CREATE TABLE search_words (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- cursors hold it: words are never removed
    word text   NOT NULL CONSTRAINT one_row_per_word UNIQUE,
    near text[] NOT NULL GENERATED ALWAYS AS (usher_near(word)) STORED
);
CREATE INDEX search_words_by_typo ON search_words USING gin (near);

CREATE TABLE event_search (
    event_id   bigint      PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
    start_time timestamptz NOT NULL,
    local_date date        NOT NULL,
    venue_id   bigint      NOT NULL,
    price_from int         NOT NULL,
    price_to   int         NOT NULL,
    for_sale   boolean     NOT NULL,                        -- on sale and not booked out; a few seconds late. Holds do not count
    category   text        NOT NULL,
    document   tsvector    NOT NULL                         -- words: A performers, B name, C venue, D place and category; '#7' performer 7, '@music' category
);
ALTER TABLE event_search ALTER COLUMN document SET STATISTICS 1000; -- the planner knows the ten thousand most frequent words
CREATE INDEX event_search_by_date     ON event_search (start_time, event_id);
CREATE INDEX event_search_by_venue    ON event_search (venue_id, start_time, event_id);
CREATE INDEX event_search_for_sale    ON event_search (start_time, event_id) WHERE for_sale;
CREATE INDEX event_search_by_words    ON event_search USING gin (document) WITH (gin_pending_list_limit = 256); -- kB: every search reads that list

CREATE TABLE search_progress (                              -- one row: up to when sales are reflected in for_sale
    id         int PRIMARY KEY DEFAULT 1 CONSTRAINT one_row CHECK (id = 1),
    checked_to timestamptz NOT NULL
);
INSERT INTO search_progress (checked_to) VALUES (now());

-- usher_index_events writes the search rows of events anew, and the words that are new. A document names at most 200 performers.
-- +goose StatementBegin
CREATE FUNCTION usher_index_events(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(cardinality(ids), 0) = 0 THEN RETURN; END IF;
    INSERT INTO event_search AS s (event_id, start_time, local_date, venue_id, price_from, price_to, for_sale, category, document)
    SELECT e.id, e.start_time, e.local_date, e.venue_id, e.price_from, e.price_to, e.sale_opened_at IS NOT NULL, e.category,
           coalesce(p.document, '') || usher_words(e.name, 'B') || v.document || CASE WHEN e.category = '' THEN ''::tsvector
               ELSE usher_words(e.category, 'D') || array_to_tsvector(ARRAY['@' || btrim(usher_fold(e.category))]) END
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
      AND word ~ '^[^0-9#@\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]{3,40}$'
    ORDER BY word
    ON CONFLICT (word) DO NOTHING;
END $$;
-- +goose StatementEnd

-- An event is found as soon as its performers are written, which every event has: a trigger on new events would write each row twice.
-- +goose StatementBegin
CREATE FUNCTION usher_search_changed_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM usher_index_events(array_agg(n.id)) FROM fresh n JOIN stale o ON o.id = n.id
    WHERE (n.name, n.venue_id, n.start_time, n.local_date, n.category, n.price_from, n.price_to)
        IS DISTINCT FROM (o.name, o.venue_id, o.start_time, o.local_date, o.category, o.price_from, o.price_to);
    UPDATE event_search s SET for_sale = n.sale_opened_at IS NOT NULL FROM fresh n JOIN stale o ON o.id = n.id
    WHERE s.event_id = n.id AND (n.sale_opened_at IS NULL) <> (o.sale_opened_at IS NULL);
    RETURN NULL;
END $$;
CREATE FUNCTION usher_search_changed_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM usher_index_events(array_agg(DISTINCT event_id)) FROM touched;
    RETURN NULL;
END $$;
CREATE FUNCTION usher_search_changed_performers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM usher_index_events(array_agg(DISTINCT l.event_id))
    FROM fresh n JOIN stale o ON o.id = n.id AND o.name <> n.name JOIN event_performers l ON l.performer_id = n.id;
    RETURN NULL;
END $$;
CREATE FUNCTION usher_search_changed_venues() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM usher_index_events(array_agg(e.id))
    FROM fresh n JOIN stale o ON o.id = n.id AND (o.name, o.city, o.location) IS DISTINCT FROM (n.name, n.city, n.location)
    JOIN events e ON e.venue_id = n.id;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER search_follows_events AFTER UPDATE ON events
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION usher_search_changed_events();
CREATE TRIGGER search_follows_new_links AFTER INSERT ON event_performers
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION usher_search_changed_links();
CREATE TRIGGER search_follows_old_links AFTER DELETE ON event_performers
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION usher_search_changed_links();
CREATE TRIGGER search_follows_performers AFTER UPDATE ON performers
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION usher_search_changed_performers();
CREATE TRIGGER search_follows_venues AFTER UPDATE ON venues
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION usher_search_changed_venues();

SELECT usher_index_events(array_agg(id)) FROM events;
UPDATE event_search s SET for_sale = false
FROM events e
WHERE e.id = s.event_id AND e.sale_opened_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM tickets t WHERE t.id >= e.id << 20 AND t.id < (e.id + 1) << 20
                  AND t.status = 'available' AND NOT t.blocked AND t.booking_id IS NULL);
