-- Seats that name another booking than the live one that owns them, and owners of seats that do not exist.
SELECT coalesce(t.id, s.ticket_id) >> 20, NULL::uuid, coalesce(t.id, s.ticket_id),
       CASE WHEN t.id IS NULL THEN 'no such ticket, and booking ' || s.booking_id || ' owns it'
            ELSE 'the ticket names booking ' || coalesce(t.booking_id::text, 'none') || ', its owner is ' || coalesce(s.booking_id::text, 'nobody') END
FROM (SELECT id, booking_id FROM tickets) AS t
FULL JOIN (SELECT ticket_id, booking_id FROM booking_seats WHERE live) AS s ON s.ticket_id = t.id
WHERE t.id IS NULL OR t.booking_id IS DISTINCT FROM s.booking_id
