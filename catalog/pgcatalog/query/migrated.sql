-- Whether the newest table that an import writes is there.
SELECT to_regclass('event_search') IS NOT NULL
