-- Begins an incarnation with a fresh block behind everything that may have been given out. $1 room, $2 run, $3 size of the block.
-- Returns the incarnation and the new end of the block.
UPDATE line_runs
SET incarnation = incarnation + 1, issued = block_end, block_end = block_end + $3, updated_at = now()
WHERE room = $1 AND run = $2
RETURNING incarnation, block_end
