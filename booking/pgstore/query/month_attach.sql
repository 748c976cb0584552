-- Puts a table back in its place. Those who read and write others do not wait. %[1]s the table, %[2]s the month as in its name, %[3]d and %[4]d its first id
-- and the first one past it.
ALTER TABLE %[1]s ATTACH PARTITION %[1]s_%[2]s FOR VALUES FROM (%[3]d) TO (%[4]d)
