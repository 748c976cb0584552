-- Removes a table that is no partition any more. %[1]s the table, %[2]s the month as in its name.
DROP TABLE %[1]s_%[2]s
