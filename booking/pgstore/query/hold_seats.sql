-- Writes holds that Redis has granted: each request all or none, and no loser fails his neighbours. Rows are locked in id
-- order, so that two batches never wait for each other in a circle.
-- Arrays, pairwise: $1 request, $2 ticket, $3 owner, $4 end of the hold. Returns the requests that were granted.
WITH asked AS MATERIALIZED (
    SELECT a.*, row_number() OVER (PARTITION BY ticket ORDER BY request) AS turn
    FROM unnest($1::int[], $2::bigint[], $3::uuid[], $4::timestamptz[]) AS a (request, ticket, owner, until)
), locked AS MATERIALIZED (
    SELECT id, status, blocked, booking_id, hold_user_id, hold_expiry
    FROM tickets
    WHERE id = ANY ($2::bigint[])
    ORDER BY id
    FOR UPDATE
), granted AS MATERIALIZED (
    SELECT a.request
    FROM asked a
    LEFT JOIN locked l ON l.id = a.ticket
    GROUP BY a.request
    HAVING bool_and(coalesce(
        a.turn = 1 AND l.status = 'available' AND NOT l.blocked AND l.booking_id IS NULL
        AND (l.hold_user_id IS NULL OR l.hold_user_id = a.owner OR l.hold_expiry <= now()), false))
), written AS (
    UPDATE tickets t
    SET hold_user_id = a.owner, hold_expiry = a.until
    FROM asked a
    JOIN granted g ON g.request = a.request
    WHERE t.id = a.ticket
)
SELECT request FROM granted
