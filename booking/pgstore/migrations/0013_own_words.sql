-- Words that an event has of its own: most words of places and venues ("japan", "arena") are of these only, so where a search may look for such a word is soon told.

-- +goose NO TRANSACTION

-- +goose Up

-- usher_own is a document without the words of its venue and place: performers, name and category.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION usher_own(document tsvector, category text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ts_filter(document, '{a,b}') || public.usher_words(category, 'D')
$$;
-- +goose StatementEnd

CREATE INDEX CONCURRENTLY IF NOT EXISTS event_search_by_own_words ON event_search USING gin (usher_own(document, category)) WITH (gin_pending_list_limit = 256);
CREATE INDEX CONCURRENTLY IF NOT EXISTS venues_by_words ON venues USING gin (document);
