-- Entries into rooms that were full, since their rules or state changed last.
WITH stay AS (
    SELECT a.room, a.entered_at, least(a.expires_at, a.ended_at - interval '10 seconds') AS gone, (r.rules ->> 'Capacity')::int AS capacity, r.updated_at AS since
    FROM admissions a
    JOIN rooms r ON r.room = a.room AND r.run = a.run
    WHERE r.rules ->> 'Method' <> 'passthrough'
), edge AS (
    SELECT room, capacity, since, entered_at AS at, 1 AS step FROM stay WHERE gone > entered_at
    UNION ALL
    SELECT room, capacity, since, gone, -1 FROM stay WHERE gone > entered_at
), inside AS (
    SELECT room, capacity, since, at, step, sum(step) OVER (PARTITION BY room ORDER BY at, step ROWS UNBOUNDED PRECEDING) AS n FROM edge
)
SELECT format('room %s: with the one who entered at %s there were %s inside, its capacity is %s', room, at, n, capacity)
FROM inside WHERE step = 1 AND n > capacity AND at > since
