-- Venues where events can have a word: those that have it in their own name or place, and those of the events that have it of their own. $1 the word as a tsquery.
-- Where many events have it, that is dear.
SELECT id FROM venues WHERE document @@ $1::tsquery
UNION
SELECT venue_id FROM event_search s WHERE usher_own(s.document, s.category) @@ $1::tsquery
