-- $1 month.
SELECT usher_add_month($1)
