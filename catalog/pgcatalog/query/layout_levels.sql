-- The price levels of layouts. $1 ids.
SELECT id, ARRAY(SELECT DISTINCT s ->> 'level' FROM jsonb_array_elements(spec) AS s) FROM layouts WHERE id = ANY ($1)
