-- Forgets how far indices had got that are none of these. $1 indices.
DELETE FROM index_offsets WHERE index_name <> ALL ($1::text[])
