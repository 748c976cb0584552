-- Begins an incarnation with a fresh block behind everything that may have been given out. $1 room, $2 run, $3 size of the block.
-- Returns the incarnation, the ceiling, the issued numbers as last seen, the old end of the block, and the new one.
WITH before AS (
    SELECT incarnation, block_end, issued, ceiling FROM line_runs WHERE room = $1 AND run = $2 FOR UPDATE
), made AS (
    INSERT INTO line_runs (room, run, incarnation, block_end) VALUES ($1, $2, 1, $3)
    ON CONFLICT (room, run) DO UPDATE
    SET incarnation = line_runs.incarnation + 1, block_end = line_runs.block_end + $3, updated_at = now()
    RETURNING incarnation, block_end
)
SELECT m.incarnation, coalesce(b.ceiling, 0), coalesce(b.issued, 0), m.block_end - $3, m.block_end
FROM made m
LEFT JOIN before b ON true
