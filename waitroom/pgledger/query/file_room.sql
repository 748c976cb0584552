-- Remembers the rules of a rooms file. $1 room, $2 rules.
UPDATE rooms SET filed = $2 WHERE room = $1
