-- How many events there are.
SELECT count(*) FROM events
