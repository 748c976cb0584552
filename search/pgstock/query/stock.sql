-- How many seats of events are free, counted up to a number that is enough. $1 event ids, $2 enough for each.
SELECT e.id, (
    SELECT count(*)
    FROM (
        SELECT
        FROM tickets t
        WHERE t.id >= e.id << 20 AND t.id < (e.id + 1) << 20
          AND t.status = 'available' AND NOT t.blocked AND t.booking_id IS NULL AND (t.hold_expiry IS NULL OR t.hold_expiry <= now())
        LIMIT e.enough
    ) AS free
)
FROM unnest($1::bigint[], $2::int[]) AS e (id, enough)
