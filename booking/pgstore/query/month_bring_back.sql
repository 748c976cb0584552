-- A month is in use again. $1 months since 2000-01.
DELETE FROM put_away WHERE month = $1
