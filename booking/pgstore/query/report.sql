-- The sales of the next events in order of their start, by section and price, each event's as of one moment. An event whose tickets are not here
-- has one row a section without tickets.
-- $1 the start and $2 the id after which the page begins, $3 the first and $4 the last day at the venue, $5 the first event id and $6 the last,
-- $7 how many events.
-- Held counts free seats with a live hold. What is given back is told by the price and the section of the seats that the payment was for.
WITH picked AS MATERIALIZED (
    SELECT e.id, e.name, e.start_time, e.local_date, e.currency, e.layout_id, v.name AS venue
    FROM events e
    JOIN venues v ON v.id = e.venue_id
    WHERE (e.start_time, e.id) > ($1::timestamptz, $2::bigint) AND e.sale_opened_at IS NOT NULL AND e.id BETWEEN $5::bigint AND $6::bigint
      AND e.local_date BETWEEN $3::date AND $4::date
      AND e.start_time BETWEEN $3::date - interval '1 day' AND $4::date + interval '2 days' -- a day at any venue: the index knows starts only
    ORDER BY e.start_time, e.id
    LIMIT $7
), given_back AS MATERIALIZED (
    SELECT p.id AS event_id, t.id, t.price
    FROM picked p
    JOIN payment_attempts a ON a.event_id = p.id AND a.status = 'voided' AND a.reason = 'refused'
    JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id
    CROSS JOIN LATERAL unnest(b.seats) AS s (seat)
    JOIN tickets t ON t.id = p.id << 20 | s.seat
)
SELECT p.id, p.name, p.venue, p.start_time, to_char(p.local_date, 'YYYY-MM-DD'), p.currency, s.name, s.level, coalesce(c.price, 0), coalesce(c.tickets, 0),
       coalesce(c.sold, 0), coalesce(c.paying, 0), coalesce(c.reserved, 0), coalesce(c.blocked, 0), coalesce(c.held, 0), coalesce(c.free, 0), coalesce(r.tickets, 0)
FROM picked p
JOIN layouts l ON l.id = p.layout_id
CROSS JOIN LATERAL (
    SELECT x.section ->> 'name' AS name, x.section ->> 'level' AS level, x.position, n.seats,
           p.id << 20 | (sum(n.seats) OVER (ORDER BY x.position) - n.seats)::bigint AS first
    FROM jsonb_array_elements(l.spec) WITH ORDINALITY AS x (section, position)
    CROSS JOIN LATERAL (SELECT sum((r.row ->> 'seats')::bigint) AS seats FROM jsonb_array_elements(x.section -> 'rows') AS r (row)) AS n
) AS s
LEFT JOIN LATERAL (
    SELECT t.price, count(*) AS tickets,
           count(*) FILTER (WHERE t.status = 'booked') AS sold,
           count(*) FILTER (WHERE t.status = 'payment_processing') AS paying,
           count(*) FILTER (WHERE t.status = 'available' AND t.booking_id IS NOT NULL) AS reserved,
           count(*) FILTER (WHERE t.status = 'available' AND t.booking_id IS NULL AND t.blocked) AS blocked,
           count(*) FILTER (WHERE t.status = 'available' AND t.booking_id IS NULL AND NOT t.blocked AND t.hold_expiry > now()) AS held,
           count(*) FILTER (WHERE t.status = 'available' AND t.booking_id IS NULL AND NOT t.blocked AND (t.hold_expiry > now()) IS NOT TRUE) AS free
    FROM tickets t
    WHERE t.id >= s.first AND t.id < s.first + s.seats
    GROUP BY t.price
) AS c ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS tickets FROM given_back g WHERE g.event_id = p.id AND g.price = c.price AND g.id >= s.first AND g.id < s.first + s.seats
) AS r ON true
ORDER BY p.start_time, p.id, s.position, c.price DESC
