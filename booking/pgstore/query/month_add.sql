-- Makes the tables of a month. $1 months since 2000-01.
SELECT usher_add_month($1)
