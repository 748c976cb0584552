-- Admissions of numbers that were not reserved.
SELECT format('room %s: number %s is inside, numbers below %s were reserved', a.room, a.number, l.block_end)
FROM admissions a
JOIN rooms r ON r.room = a.room AND r.run = a.run
JOIN line_runs l ON l.room = a.room AND l.run = a.run
WHERE a.number >= l.block_end
