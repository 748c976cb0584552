-- All rows of a table as text. %[1]s its name, %[2]s its columns.
COPY %[1]s (%[2]s) TO STDOUT
