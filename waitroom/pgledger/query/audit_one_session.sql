-- Visitors with more than one live session in a room.
SELECT format('room %s: visitor %s has sessions with the numbers %s', a.room, a.visitor, string_agg(a.number::text, ', ' ORDER BY a.number))
FROM admissions a
JOIN rooms r ON r.room = a.room AND r.run = a.run
WHERE a.ended_at IS NULL AND a.expires_at > now()
GROUP BY a.room, a.visitor
HAVING count(*) > 1
