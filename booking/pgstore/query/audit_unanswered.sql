-- Those of the commands that have no result. $1 command ids.
SELECT DISTINCT a.id FROM unnest($1::uuid[]) AS a (id) WHERE NOT EXISTS (SELECT FROM command_results r WHERE r.command_id = a.id)
