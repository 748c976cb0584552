-- Texts in the form that is compared. $1 texts.
SELECT coalesce(array_agg(btrim(usher_fold(t)) ORDER BY n), '{}') FROM unnest($1::text[]) WITH ORDINALITY AS texts (t, n)
