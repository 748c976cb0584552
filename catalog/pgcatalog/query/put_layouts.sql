-- Adds layouts and gives them their names. Arrays, one element a layout: $1 names, $2 external ids of the venues, $3 digests, $4 capacities,
-- $5 specs. Layouts of unknown venues are left out. Returns the names, and whether each is new or stands for another layout now.
WITH incoming AS (
    SELECT i.name, v.id AS venue_id, i.digest, i.capacity, i.spec
    FROM unnest($1::text[], $2::text[], $3::bytea[], $4::int[], $5::jsonb[]) AS i (name, venue, digest, capacity, spec)
    JOIN venues v ON v.external_id = i.venue
), added AS (
    INSERT INTO layouts (venue_id, digest, capacity, spec)
    SELECT DISTINCT ON (venue_id, digest) venue_id, digest, capacity, spec FROM incoming
    ON CONFLICT (venue_id, digest) DO NOTHING
    RETURNING id, venue_id, digest
), found AS (
    SELECT id, venue_id, digest FROM added
    UNION ALL
    SELECT l.id, l.venue_id, l.digest FROM layouts l JOIN incoming i ON l.venue_id = i.venue_id AND l.digest = i.digest
), named AS (
    INSERT INTO layout_names (external_id, layout_id)
    SELECT DISTINCT ON (i.name) i.name, f.id FROM incoming i JOIN found f USING (venue_id, digest)
    ON CONFLICT (external_id) DO UPDATE SET layout_id = excluded.layout_id WHERE layout_names.layout_id <> excluded.layout_id
    RETURNING external_id, xmax = 0 AS fresh
)
SELECT i.name, coalesce(n.fresh, false), n.external_id IS NOT NULL
FROM incoming i
LEFT JOIN named n ON n.external_id = i.name
