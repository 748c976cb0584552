-- The tickets of an event exist now. $1 event id. Returns its id and new version.
UPDATE events SET sale_opened_at = now(), version = version + 1, updated_at = now() WHERE id = $1 RETURNING id, version
