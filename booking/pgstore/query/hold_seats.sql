-- Writes holds that Redis has granted: each request all or none, and no loser fails his neighbours. Rows are locked in id
-- order, so that two batches never wait for each other in a circle. Of two visitors who may both have a seat the earlier request of the
-- batch counts; repeats of one visitor are all granted, and a row that says so already is not written again. Windows, not joins: with
-- joins of the common tables 100 requests of two seats took 10.7 ms, so 4.0.
-- Arrays, pairwise: $1 request, $2 ticket, $3 owner, $4 end of the hold. Returns the requests that were granted.
WITH asked AS MATERIALIZED (
    SELECT a.*, count(*) OVER (PARTITION BY request) AS size
    FROM unnest($1::int[], $2::bigint[], $3::uuid[], $4::timestamptz[]) AS a (request, ticket, owner, until)
), locked AS MATERIALIZED (
    SELECT a.*, t.status = 'available' AND NOT t.blocked AND t.booking_id IS NULL
                AND (t.hold_user_id IS NULL OR t.hold_user_id = a.owner OR t.hold_expiry <= now()) AS free
    FROM asked a
    JOIN tickets t ON t.id = a.ticket
    ORDER BY a.ticket
    FOR UPDATE OF t
), possible AS (
    SELECT *, coalesce(bool_and(free) OVER w, false) AND count(*) OVER w = size AS whole
    FROM locked
    WINDOW w AS (PARTITION BY request)
), contest AS (
    SELECT *, owner = first_value(owner) OVER (PARTITION BY ticket ORDER BY request) AS first
    FROM possible
    WHERE whole
), granted AS MATERIALIZED (
    SELECT *, bool_and(first) OVER (PARTITION BY request) AS won
    FROM contest
), written AS (
    UPDATE tickets t
    SET hold_user_id = h.owner, hold_expiry = h.until
    FROM (SELECT ticket, owner, max(until) AS until FROM granted WHERE won GROUP BY ticket, owner) AS h
    WHERE t.id = h.ticket AND (t.hold_user_id, t.hold_expiry) IS DISTINCT FROM (h.owner, h.until)
)
SELECT DISTINCT request FROM granted WHERE won
