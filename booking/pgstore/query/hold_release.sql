-- Visitors give held seats back; what is booked, or another's, stays. Rows are locked in id order, as holds lock them.
-- Arrays, pairwise: $1 ticket, $2 owner.
WITH locked AS MATERIALIZED (
    SELECT t.id
    FROM tickets t
    JOIN unnest($1::bigint[], $2::uuid[]) AS r (ticket, owner) ON t.id = r.ticket AND t.hold_user_id = r.owner
    WHERE t.booking_id IS NULL AND t.status = 'available'
    ORDER BY t.id
    FOR UPDATE OF t
)
UPDATE tickets SET hold_user_id = NULL, hold_expiry = NULL
WHERE id IN (SELECT id FROM locked) AND booking_id IS NULL
