-- Events in order of their ids. $1 id of the last one before, $2 how many.
SELECT id FROM events WHERE id > $1 ORDER BY id LIMIT $2
