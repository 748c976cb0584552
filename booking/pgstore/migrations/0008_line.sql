-- What a line that has been lost more than once needs. No table is rewritten: a constant default is a catalog entry only.

-- +goose Up

ALTER TABLE line_runs ADD COLUMN recovered_at timestamptz NOT NULL DEFAULT '-infinity'; -- when the incarnation began

-- Numbers that nobody was seen to get before the line lost its memory. They are jumped, and in nobody's way.
CREATE TABLE line_holes (
    room   text   NOT NULL,
    run    text   NOT NULL,
    number bigint NOT NULL,                             -- from here
    past   bigint NOT NULL,                             -- to below this
    CONSTRAINT hole_is_not_empty CHECK (number < past),
    PRIMARY KEY (room, run, number)
);
