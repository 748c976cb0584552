-- Rows as month_copy_out wrote them. %[1]s the table's name, %[2]s its columns.
COPY %[1]s (%[2]s) FROM STDIN
