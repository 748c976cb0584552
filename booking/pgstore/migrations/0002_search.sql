-- What finding and importing need: folded names (lower case, no accents, words apart by single spaces) with indexes on them,
-- and names for layouts, so that an import can refer to what an earlier one brought.

-- +goose Up

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

-- usher_fold brings text into the form that is compared: ' sao paulo ' for 'São-Paulo'. The blanks at both ends let LIKE '% paulo %'
-- find whole words. unaccent is only stable because its rules are a file; they are fixed with the server's version, as the indexes are.
-- +goose StatementBegin
CREATE FUNCTION usher_fold(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT ' ' || btrim(regexp_replace(lower(public.unaccent('public.unaccent'::regdictionary, t)), '[^[:alnum:]]+', ' ', 'g')) || ' '
$$;
-- +goose StatementEnd

ALTER TABLE venues
    ADD COLUMN folded_name  text NOT NULL GENERATED ALWAYS AS (usher_fold(name)) STORED,
    ADD COLUMN folded_place text NOT NULL GENERATED ALWAYS AS (usher_fold(city || ' ' || location || ' ' || country)) STORED;
ALTER TABLE performers
    ADD COLUMN folded_name  text NOT NULL GENERATED ALWAYS AS (usher_fold(name)) STORED;

CREATE INDEX venues_by_name_words     ON venues     USING gin (folded_name public.gin_trgm_ops);
CREATE INDEX venues_by_place_words    ON venues     USING gin (folded_place public.gin_trgm_ops);
CREATE INDEX performers_by_name_words ON performers USING gin (folded_name public.gin_trgm_ops);
CREATE INDEX venues_by_latitude       ON venues (latitude);

CREATE TABLE layout_names (                             -- what an import calls a venue's seating; a venue's own name is its default
    external_id text PRIMARY KEY,
    layout_id   bigint NOT NULL REFERENCES layouts (id)
);
