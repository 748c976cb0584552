-- The seats of events that changed lately, counted by state in one snapshot, beside what they must add up to.
-- $1 how far back to look, in seconds. A seat that fits no state is in none of the counts.
SELECT e.id, l.capacity,
       count(t.id) FILTER (WHERE t.status = 'available' AND NOT t.blocked AND t.booking_id IS NULL),
       count(t.id) FILTER (WHERE t.status = 'available' AND NOT t.blocked AND t.booking_id IS NOT NULL),
       count(t.id) FILTER (WHERE t.status = 'payment_processing' AND NOT t.blocked AND t.booking_id IS NOT NULL),
       count(t.id) FILTER (WHERE t.status = 'booked' AND NOT t.blocked AND t.booking_id IS NOT NULL),
       count(t.id) FILTER (WHERE t.status = 'available' AND t.blocked AND t.booking_id IS NULL),
       (SELECT count(*) FROM booking_seats s WHERE s.live AND s.ticket_id >= e.id << 20 AND s.ticket_id < (e.id + 1) << 20)
FROM (SELECT DISTINCT event_id FROM command_results WHERE created_at > now() - make_interval(secs => $1)) AS active
JOIN events e ON e.id = active.event_id
JOIN layouts l ON l.id = e.layout_id
LEFT JOIN tickets t ON t.id >= e.id << 20 AND t.id < (e.id + 1) << 20
WHERE e.sale_opened_at IS NOT NULL
GROUP BY e.id, l.capacity
