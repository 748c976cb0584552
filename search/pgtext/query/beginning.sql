-- When the first event starts, if there is one.
SELECT min(start_time) FROM event_search
