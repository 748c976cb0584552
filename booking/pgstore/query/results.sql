-- The stored results of commands. $1 command ids.
SELECT command_id, result FROM command_results WHERE command_id = ANY ($1::uuid[])
