-- Bookings by key. $1 event ids, $2 booking keys, pairwise.
SELECT b.event_id, b.id, b.owner, b.status, b.total, b.currency, b.expiration_time, b.confirmation_id, b.failure, b.attempt_id,
       b.room, b.jti, b.created_at, b.updated_at, b.seats, b.extended
FROM unnest($1::bigint[], $2::uuid[]) AS k (event_id, id)
JOIN bookings b ON b.event_id = k.event_id AND b.id = k.id
