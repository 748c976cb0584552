-- Takes a partition out, beside those who read and write. Not in a transaction. %[1]s the table, %[2]s the month as in its name.
ALTER TABLE %[1]s DETACH PARTITION %[1]s_%[2]s CONCURRENTLY
