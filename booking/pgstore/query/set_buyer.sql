-- Who buys, until payment begins: from then on the ticket carries the name. The user's name is that of his latest booking. Nothing that
-- an index or its condition names is touched, so the booking's update stays HOT.
-- $1 event, $2 booking, $3 owner, $4 name, $5 e-mail. Returns where the booking stands, and whether it was written; no row: there is none of this owner.
WITH mine AS MATERIALIZED (
    SELECT status FROM bookings WHERE event_id = $1 AND id = $2 AND owner = $3
), written AS (
    UPDATE bookings SET buyer_name = $4, buyer_email = $5
    WHERE event_id = $1 AND id = $2 AND owner = $3 AND status = 'reserved'
    RETURNING owner
), latest AS (
    INSERT INTO users (id, name, email) SELECT owner, $4, $5 FROM written
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email
    WHERE (users.name, users.email) IS DISTINCT FROM (excluded.name, excluded.email)
)
SELECT mine.status, EXISTS (SELECT FROM written) FROM mine
