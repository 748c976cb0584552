-- Forgets results of commands that are old, the oldest first, a bounded number at a time. $1 seconds, $2 how many.
DELETE FROM command_results
WHERE command_id IN (SELECT command_id FROM command_results WHERE created_at < now() - make_interval(secs => $1) ORDER BY created_at LIMIT $2)
