-- A recovery has read what there is. Whoever has waited for it leaves the line to it for a second and the time that restoring takes. $1 room, $2 run,
-- $3 that time.
UPDATE line_runs SET recovered_at = clock_timestamp() + $3 WHERE room = $1 AND run = $2
