-- What searching needs: one row an event with all that a search restricts, ranks or counts (event_search), and the words of the catalog
-- (search_words), so that a mistyped word is led back to known ones before the search. Triggers keep both true; docs/search.md has the picture.

-- +goose Up

-- usher_words is usher_fold with Chinese and Japanese text apart by characters, since no blanks stand between its words.
-- +goose StatementBegin
CREATE FUNCTION usher_words(t text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT array_remove(string_to_array(regexp_replace(public.usher_fold(t), '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g'), ' '), '')
$$;
-- +goose StatementEnd

-- usher_near returns the keys under which a word is found in spite of typos: its first seven letters, without any one of them, and from six
-- letters on without any two. Two words within that many edits share a key: the symmetric deletes of W. Garbe's SymSpell, with its prefix of 7.
-- +goose StatementBegin
CREATE FUNCTION usher_near(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    WITH whole AS (SELECT left(word, 7) AS w),
    one AS (SELECT DISTINCT left(w, i - 1) || substr(w, i + 1) AS w FROM whole, generate_series(1, length(w)) AS i),
    two AS (SELECT DISTINCT left(w, i - 1) || substr(w, i + 1) AS w FROM one, generate_series(1, length(w)) AS i WHERE length(word) >= 6)
    SELECT array_agg(w) FROM (SELECT w FROM whole UNION SELECT w FROM one UNION SELECT w FROM two) AS keys
$$;
-- +goose StatementEnd

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
CREATE INDEX event_search_by_words    ON event_search USING gin (document);

CREATE TABLE search_progress (                              -- one row: up to when sales are reflected in for_sale
    id         int PRIMARY KEY DEFAULT 1 CONSTRAINT one_row CHECK (id = 1),
    checked_to timestamptz NOT NULL
);
INSERT INTO search_progress (checked_to) VALUES (now());

-- usher_index_events writes the search rows of events anew, and the words that are new. The document is put together as text, not by
-- to_tsvector, whose parser takes '1e5' for a number and 'usher.example' for a host.
-- +goose StatementBegin
CREATE FUNCTION usher_index_events(ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(cardinality(ids), 0) = 0 THEN RETURN; END IF;
    INSERT INTO event_search AS s (event_id, start_time, local_date, venue_id, price_from, price_to, for_sale, category, document)
    SELECT e.id, e.start_time, e.local_date, e.venue_id, e.price_from, e.price_to, e.sale_opened_at IS NOT NULL, e.category,
           coalesce(w.words, '')::tsvector
               || array_to_tsvector(ARRAY(SELECT '#' || performer_id FROM event_performers WHERE event_id = e.id))
               || array_to_tsvector(CASE WHEN e.category = '' THEN '{}' ELSE ARRAY['@' || btrim(usher_fold(e.category))] END)
    FROM events e
    JOIN venues v ON v.id = e.venue_id
    CROSS JOIN LATERAL (
        SELECT string_agg('''' || left(word, 64) || ''':' || least(at, 16383) || weight, ' ') AS words
        FROM (
            SELECT word, weight, row_number() OVER (ORDER BY part, n) + part * 8 AS at -- no phrase reaches from one part into the next
            FROM (
                (SELECT l.position AS part, 'A' AS weight, p.name AS said
                 FROM event_performers l JOIN performers p ON p.id = l.performer_id WHERE l.event_id = e.id ORDER BY l.position LIMIT 200)
                UNION ALL VALUES (1000, 'B', e.name), (1001, 'C', v.name), (1002, 'D', v.city), (1003, 'D', v.location), (1004, 'D', e.category)
            ) AS parts
            CROSS JOIN LATERAL unnest(usher_words(said)) WITH ORDINALITY AS words (word, n)
        ) AS placed
    ) AS w
    WHERE e.id = ANY (ids)
    ORDER BY e.start_time, e.id
    ON CONFLICT (event_id) DO UPDATE
    SET start_time = excluded.start_time, local_date = excluded.local_date, venue_id = excluded.venue_id, price_from = excluded.price_from,
        price_to = excluded.price_to, category = excluded.category, document = excluded.document
    WHERE (s.start_time, s.local_date, s.venue_id, s.price_from, s.price_to, s.category, s.document)
        IS DISTINCT FROM (excluded.start_time, excluded.local_date, excluded.venue_id, excluded.price_from, excluded.price_to, excluded.category, excluded.document);

    INSERT INTO search_words (word)
    SELECT DISTINCT word
    FROM event_search s CROSS JOIN LATERAL unnest(tsvector_to_array(s.document)) AS words (word)
    WHERE s.event_id = ANY (ids) AND word ~ '^[^0-9#@\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]{3,40}$'
      AND NOT EXISTS (SELECT FROM search_words k WHERE k.word = words.word)
    ORDER BY word
    ON CONFLICT (word) DO NOTHING;
END $$;
-- +goose StatementEnd

-- A new event gets its document when its performers are written, which follows at once: the import pays for one, not two.
-- +goose StatementBegin
CREATE FUNCTION usher_search_new_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO event_search (event_id, start_time, local_date, venue_id, price_from, price_to, for_sale, category, document)
    SELECT id, start_time, local_date, venue_id, price_from, price_to, sale_opened_at IS NOT NULL, category, '' FROM fresh ORDER BY start_time, id;
    RETURN NULL;
END $$;
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

CREATE TRIGGER search_follows_new_events AFTER INSERT ON events
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION usher_search_new_events();
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
