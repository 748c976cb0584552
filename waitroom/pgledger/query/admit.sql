-- Records admissions; a repeat moves the end. A number that has entered as another session is not touched.
-- Arrays, pairwise: $1 room, $2 run, $3 number, $4 visitor, $5 jti, $6 entered, $7 expires. Returns the numbers that are recorded.
INSERT INTO admissions (room, run, number, visitor, jti, entered_at, expires_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[])
ON CONFLICT ON CONSTRAINT a_number_enters_once DO UPDATE SET expires_at = greatest(admissions.expires_at, excluded.expires_at)
WHERE admissions.visitor = excluded.visitor AND admissions.jti = excluded.jti
RETURNING room, run, number
