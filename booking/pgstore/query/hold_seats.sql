-- Writes holds that Redis has granted: each request all or none, and no loser fails his neighbours. Rows are locked in id
-- order, so that two batches never wait for each other in a circle. Of two visitors who ask for a seat in one batch the first
-- request counts; repeats of one visitor are all granted, and a row that says so already is not written again.
-- Arrays, pairwise: $1 request, $2 ticket, $3 owner, $4 end of the hold. Returns the requests that were granted.
WITH asked AS MATERIALIZED (
    SELECT a.*, first_value(owner) OVER (PARTITION BY ticket ORDER BY request) AS first_owner
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
        a.owner = a.first_owner AND l.status = 'available' AND NOT l.blocked AND l.booking_id IS NULL
        AND (l.hold_user_id IS NULL OR l.hold_user_id = a.owner OR l.hold_expiry <= now()), false))
), holds AS (
    SELECT a.ticket, a.owner, max(a.until) AS until
    FROM asked a
    JOIN granted g ON g.request = a.request
    GROUP BY a.ticket, a.owner
), written AS (
    UPDATE tickets t
    SET hold_user_id = h.owner, hold_expiry = h.until
    FROM holds h
    WHERE t.id = h.ticket AND (t.hold_user_id, t.hold_expiry) IS DISTINCT FROM (h.owner, h.until)
)
SELECT request FROM granted
