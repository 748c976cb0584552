-- Brings for_sale up to date for events that a command has named since the last time, half a minute earlier to be safe from transactions
-- that took long. One caller at a time; nothing happens when the last time was less than $1 seconds ago. Returns the events that changed,
-- with the versions of their facts.
WITH turn AS (
    SELECT checked_to FROM search_progress WHERE id = 1 AND checked_to <= now() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE search_progress p SET checked_to = now() FROM turn WHERE p.id = 1
), sold AS (
    SELECT e.id, e.version, EXISTS (SELECT FROM tickets t WHERE t.id >= e.id << 20 AND t.id < (e.id + 1) << 20
                                    AND t.status = 'available' AND NOT t.blocked AND t.booking_id IS NULL) AS left_over
    FROM (SELECT DISTINCT r.event_id FROM command_results r, turn WHERE r.created_at > turn.checked_to - interval '30 seconds') AS named
    JOIN events e ON e.id = named.event_id
    WHERE e.sale_opened_at IS NOT NULL
)
UPDATE event_search s SET for_sale = sold.left_over, sale_version = s.sale_version + 1
FROM sold
WHERE s.event_id = sold.id AND s.for_sale <> sold.left_over
RETURNING s.event_id, sold.version
