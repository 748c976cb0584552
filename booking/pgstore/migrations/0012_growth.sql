-- What a system needs that runs for years: months are added and put away beside the sale, and results of commands leave by age.

-- +goose NO TRANSACTION

-- +goose Up

-- Months whose partitions are detached: the audit does not miss their seats.
CREATE TABLE IF NOT EXISTS put_away (
    month   int PRIMARY KEY,                            -- months since 2000-01
    since   timestamptz NOT NULL DEFAULT now()
);

-- Results leave oldest first, and what came last is asked for every few seconds. In pages that are used again a range of pages has rows of every age, so
-- summaries of ranges find neither; a tree does, and rows come in its order.
CREATE INDEX CONCURRENTLY IF NOT EXISTS command_results_by_time ON command_results (created_at);
DROP INDEX CONCURRENTLY IF EXISTS command_results_by_age;

-- usher_add_month creates the partitions of one month. Idempotent, and safe when two callers race. A table that is made first and attached then locks
-- out nobody who reads or writes; one that is made as a partition would.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION usher_add_month(month int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix text := to_char(make_date(2000 + month / 12, month % 12 + 1, 1), 'YYYY_MM');
    parent text;
    bits   int;
BEGIN
    IF to_regclass('booking_seats_' || suffix) IS NOT NULL THEN RETURN; END IF;
    PERFORM pg_advisory_xact_lock(hashtext('usher_add_month'));
    FOREACH parent IN ARRAY ARRAY['tickets', 'bookings', 'booking_seats'] LOOP
        CONTINUE WHEN to_regclass(parent || '_' || suffix) IS NOT NULL;
        bits := CASE parent WHEN 'bookings' THEN 27 ELSE 47 END;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) %s', parent || '_' || suffix, parent,
            CASE parent WHEN 'booking_seats' THEN '' ELSE 'WITH (fillfactor = 85)' END);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, parent || '_' || suffix, month::bigint << bits, (month + 1)::bigint << bits);
    END LOOP;
END $$;
-- +goose StatementEnd
