-- Some cheap free seats of each event, the cheapest first. Seats are in order from the best to the cheapest, so the window lies at the end.
-- $1 event ids, $2 how many free seats to choose from, $3 how many to return.
SELECT s.id, s.seat_number, s.price
FROM unnest($1::bigint[]) AS e (id)
CROSS JOIN LATERAL (
    SELECT *
    FROM (
        SELECT t.id, t.seat_number, t.price
        FROM tickets t
        WHERE t.id >= e.id << 20 AND t.id < (e.id + 1) << 20
          AND t.status = 'available' AND NOT t.blocked AND t.booking_id IS NULL AND (t.hold_expiry IS NULL OR t.hold_expiry <= now())
        ORDER BY t.id DESC
        LIMIT $2
    ) AS candidates
    ORDER BY price, id
    LIMIT $3
) AS s
ORDER BY s.id >> 20, s.price, s.id
