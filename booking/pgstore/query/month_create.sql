-- A table like those of other months, with their indexes, to be filled from an archive. %[1]s the table, %[2]s the month as in its name.
CREATE TABLE %[1]s_%[2]s (LIKE %[1]s INCLUDING ALL)
