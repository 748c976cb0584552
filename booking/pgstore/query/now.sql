-- What time it is: of all clocks Postgres' decides.
SELECT clock_timestamp()
