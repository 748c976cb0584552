-- The end of a session. One whose admission is still on its way is admitted and over with this: that finds it so. While the row of the run is held no
-- incarnation begins, and who begins one (lock_run) reads the ends recorded here.
-- $1 room, $2 run, $3 number, $4 visitor, $5 jti, $6 entered. Returns the incarnation.
WITH ended AS (
    INSERT INTO admissions (room, run, number, visitor, jti, entered_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, now(), now())
    ON CONFLICT ON CONSTRAINT a_number_enters_once DO UPDATE SET ended_at = excluded.ended_at
    WHERE admissions.visitor = excluded.visitor AND admissions.jti = excluded.jti AND admissions.ended_at IS NULL
)
SELECT incarnation FROM line_runs WHERE room = $1 AND run = $2 FOR KEY SHARE
