-- What organisers are told over HTTP: who wants to hear what, the log of what was told to Kafka, and what a receiver has not taken yet. No table is
-- rewritten. The log is written only while somebody listens.

-- +goose Up

CREATE TABLE webhooks (
    id              uuid PRIMARY KEY,
    url             text NOT NULL,
    kinds           text[] NOT NULL,                    -- of events; empty: all
    event_ids       bigint[] NOT NULL,                  -- empty: all
    secret          bytea NOT NULL,
    old_secret      bytea,                              -- signs too until old_until
    old_until       timestamptz,
    cursor          bigint NOT NULL,                    -- the log is delivered, or waits in webhook_retries, up to here
    version         bigint NOT NULL DEFAULT 1,          -- rises with each change: of two who deliver at once only one writes what came of it
    failures        int NOT NULL DEFAULT 0,             -- attempts since the last success
    failing_since   timestamptz,
    next_at         timestamptz NOT NULL DEFAULT '-infinity', -- left alone until then
    last_success_at timestamptz,
    last_error      text,
    disabled_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT old_secret_has_an_end CHECK ((old_secret IS NULL) = (old_until IS NULL))
);

CREATE TABLE webhook_events (                           -- in order of commit: writers take a lock before a number
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payload    bytea NOT NULL,                          -- event.Event
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX webhook_events_by_age ON webhook_events USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE webhook_retries (                          -- messages that wait for their turn again, or are set aside
    webhook_id   uuid NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    seq          bigint NOT NULL,                       -- of webhook_events; negative: a test message
    key          text NOT NULL,                         -- what is delivered in order
    payload      bytea NOT NULL,
    tries        int NOT NULL,
    first_at     timestamptz NOT NULL,
    next_at      timestamptz NOT NULL,
    set_aside_at timestamptz,                           -- given up
    error        text NOT NULL,
    PRIMARY KEY (webhook_id, seq)
);
CREATE INDEX webhook_retries_waiting ON webhook_retries (webhook_id, key, seq) WHERE set_aside_at IS NULL;

CREATE SEQUENCE webhook_tests;
