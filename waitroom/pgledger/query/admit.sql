-- Records admissions; a repeat moves the end. A number that has entered as another session is not touched, nor
-- one that is over, and nothing of an incarnation that is
-- over is recorded: while the row of the run is held none begins, and who begins one (lock_run) reads the admissions after those recorded here.
-- Arrays, pairwise: $1 room, $2 run, $3 number, $4 visitor, $5 jti, $6 entered, $7 expires, $8 incarnation. Returns those of live
-- incarnations by number, and whether they are recorded.
WITH asked AS (
    SELECT a.* FROM unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[])
        AS a (room, run, number, visitor, jti, entered_at, expires_at, incarnation)
    JOIN line_runs r ON r.room = a.room AND r.run = a.run AND r.incarnation = a.incarnation
    FOR KEY SHARE OF r
), put AS (
    INSERT INTO admissions (room, run, number, visitor, jti, entered_at, expires_at)
    SELECT room, run, number, visitor, jti, entered_at, expires_at FROM asked
    ON CONFLICT ON CONSTRAINT a_number_enters_once DO UPDATE SET expires_at = greatest(admissions.expires_at, excluded.expires_at)
    WHERE admissions.visitor = excluded.visitor AND admissions.jti = excluded.jti AND admissions.ended_at IS NULL
    RETURNING room, run, number
)
SELECT a.room, a.run, a.number, a.incarnation, p.number IS NOT NULL
FROM asked a
LEFT JOIN put p ON p.room = a.room AND p.run = a.run AND p.number = a.number
