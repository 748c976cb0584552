-- What operators need to change rooms while they run. No table is rewritten: constant defaults are catalog entries only.

-- +goose Up

ALTER TABLE rooms ADD COLUMN filed jsonb;               -- the rules as a rooms file gave them last; null: no file has. What an operator changes later stays

-- An event that was moved from one room to another: sessions of the old room go on until they end.
ALTER TABLE room_events ADD COLUMN former text;
ALTER TABLE room_events ADD COLUMN moved_at timestamptz;

-- Who has changed a room, when, and what. Lines are only added, and the oldest leave.
CREATE TABLE room_audit (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    who        text NOT NULL,                           -- the admin token's fingerprint, rooms-file or schedule
    request_id text,
    address    text,                                    -- of the client
    action     text NOT NULL,
    room       text NOT NULL,
    before     jsonb,                                   -- null: the room was made
    after      jsonb NOT NULL
);
CREATE INDEX room_audit_by_time ON room_audit (at);
