-- Seats change only from the version that was decided upon, and a free seat only if no stranger's hold lies on it.
-- Arrays, pairwise, in seat order (whoever locks seats locks them in this order): $1 id, $2 version as decided upon, $3 new version,
-- $4 status, $5 blocked, $6 booking, $7 holder, $8 end of the hold, $9 claimed: whether it was free, $10 who claimed it.
-- $11 whether versions and holds count (false only in a negative control).
-- Rows: one a seat, or the decision was made on stale memory.
UPDATE tickets t
SET version = s.version, status = s.status::ticket_status, blocked = s.blocked, booking_id = s.booking,
    hold_user_id = s.holder, hold_expiry = s.until
FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::bool[], $6::uuid[], $7::uuid[], $8::timestamptz[], $9::bool[], $10::uuid[])
    AS s (id, was, version, status, blocked, booking, holder, until, claimed, claimant)
WHERE t.id = s.id
  AND (t.version = s.was OR NOT $11)
  AND (NOT s.claimed OR t.hold_user_id IS NULL OR t.hold_user_id = s.claimant OR t.hold_expiry <= now() OR NOT $11)
