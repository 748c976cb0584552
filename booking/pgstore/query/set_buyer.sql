-- Who buys, until payment begins: from then on the ticket carries the name. The user's name is that of his latest booking.
-- $1 event, $2 booking, $3 owner, $4 name, $5 e-mail.
WITH mine AS (
    UPDATE bookings SET buyer_name = $4, buyer_email = $5
    WHERE event_id = $1 AND id = $2 AND owner = $3 AND status = 'reserved'
    RETURNING owner
)
UPDATE users SET name = $4, email = $5 FROM mine WHERE users.id = mine.owner
