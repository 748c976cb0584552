-- Events on sale whose seats by state do not add up to their capacity. Months that are put away are not here. A seat that fits no state is in none of the counts.
SELECT e.id, NULL::uuid, NULL::bigint,
       format('capacity %s, %s tickets: %s free, %s reserved, %s paying, %s booked, %s blocked', l.capacity, c.tickets, c.free, c.reserved, c.paying, c.booked, c.blocked)
FROM events e
JOIN layouts l ON l.id = e.layout_id
LEFT JOIN (
    SELECT event_id, count(*) AS tickets,
           count(*) FILTER (WHERE status = 'available' AND NOT blocked AND booking_id IS NULL) AS free,
           count(*) FILTER (WHERE status = 'available' AND NOT blocked AND booking_id IS NOT NULL) AS reserved,
           count(*) FILTER (WHERE status = 'payment_processing' AND NOT blocked AND booking_id IS NOT NULL) AS paying,
           count(*) FILTER (WHERE status = 'booked' AND NOT blocked AND booking_id IS NOT NULL) AS booked,
           count(*) FILTER (WHERE status = 'available' AND blocked AND booking_id IS NULL) AS blocked
    FROM tickets GROUP BY event_id
) AS c ON c.event_id = e.id
WHERE e.sale_opened_at IS NOT NULL AND NOT EXISTS (SELECT FROM put_away p WHERE p.month = e.id >> 27)
  AND (c.free + c.reserved + c.paying + c.booked + c.blocked IS DISTINCT FROM l.capacity::bigint OR c.tickets IS DISTINCT FROM l.capacity::bigint)
