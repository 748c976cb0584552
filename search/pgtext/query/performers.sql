-- The performers whose name has the words. $1 text.
SELECT id FROM performers WHERE folded_name LIKE '%' || usher_fold($1) || '%' LIMIT 5000
