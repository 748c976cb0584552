-- The whole schema: what the brief fixed (users, tickets, events, venues, performers) and what Usher needs beside it.
-- Ids are int64 composed as package id says: ticket = event << 20 | seat, event = month << 27 | sequence. So a ticket's
-- partition is part of its id, and a unique index on ticket_id alone is a promise over the whole table.

-- +goose Up

CREATE TYPE ticket_status AS ENUM ('available', 'payment_processing', 'booked');

CREATE TABLE users (
    id         uuid PRIMARY KEY,
    name       text,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- ── catalog ──────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE venues (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    location    text NOT NULL,                      -- "City, Country", as the API shows it
    city        text NOT NULL,
    country     text NOT NULL,                      -- ISO 3166-1 alpha-2
    latitude    double precision,
    longitude   double precision,
    time_zone   text NOT NULL,                      -- IANA name
    external_id text NOT NULL CONSTRAINT one_venue_per_external_id UNIQUE
);

CREATE TABLE performers (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    external_id text NOT NULL CONSTRAINT one_performer_per_external_id UNIQUE
);

CREATE TABLE layouts (                              -- immutable: another seating is another row
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue_id bigint NOT NULL REFERENCES venues (id),
    digest   bytea  NOT NULL,                       -- SHA-256 of spec
    capacity int    NOT NULL CONSTRAINT layout_fits_a_ticket_id CHECK (capacity BETWEEN 1 AND 1048576),
    spec     jsonb  NOT NULL,                       -- package layout
    CONSTRAINT one_row_per_layout UNIQUE (venue_id, digest)
);

CREATE TABLE event_months (                         -- hands out the sequence within a month
    month    int PRIMARY KEY,                       -- months since 2000-01
    sequence int NOT NULL DEFAULT 0
);

CREATE TABLE events (
    id             bigint PRIMARY KEY,
    name           text NOT NULL,
    venue_id       bigint NOT NULL REFERENCES venues (id),
    s3_image_url   text,
    details        text NOT NULL DEFAULT '',
    performer      text NOT NULL,                   -- the headliner's name
    start_time     timestamptz NOT NULL,
    end_time       timestamptz NOT NULL CONSTRAINT event_ends_after_it_starts CHECK (end_time >= start_time),
    local_date     date NOT NULL,                   -- of start_time in the venue's zone
    category       text NOT NULL DEFAULT '',
    currency       text NOT NULL,                   -- ISO 4217
    prices         jsonb NOT NULL,                  -- price level → minor units
    price_from     int NOT NULL CONSTRAINT price_is_not_negative CHECK (price_from >= 0),
    price_to       int NOT NULL,
    layout_id      bigint NOT NULL REFERENCES layouts (id),
    external_id    text NOT NULL CONSTRAINT one_event_per_external_id UNIQUE,
    sale_opened_at timestamptz,                     -- when its tickets were created; null: not on sale yet
    version        bigint NOT NULL DEFAULT 1,       -- rises with each change of the static facts
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_by_date  ON events (start_time, id);
CREATE INDEX events_by_venue ON events (venue_id, start_time, id);

CREATE TABLE event_performers (
    event_id     bigint NOT NULL REFERENCES events (id),
    performer_id bigint NOT NULL REFERENCES performers (id),
    position     smallint NOT NULL,                 -- 0 is the headliner
    PRIMARY KEY (event_id, performer_id)
);
CREATE INDEX events_of_a_performer ON event_performers (performer_id, event_id);

-- ── seats and bookings: partitioned by the event's month ─────────────────────────────────────────────────────

-- No index but the primary key, and room on every page: updates of a ticket stay HOT.
CREATE TABLE tickets (
    id           bigint NOT NULL,
    event_id     bigint NOT NULL,
    hold_expiry  timestamptz,
    hold_user_id uuid,
    booking_id   uuid,                              -- the live booking: reserved, paying or confirmed
    price        int NOT NULL CONSTRAINT ticket_price_is_not_negative CHECK (price >= 0),
    version      int NOT NULL DEFAULT 0,            -- rises with each decision of the worker; holds leave it alone
    status       ticket_status NOT NULL DEFAULT 'available',
    blocked      boolean NOT NULL DEFAULT false,    -- by the organiser
    seat_number  text NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT ticket_carries_its_event CHECK (event_id = id >> 20),
    CONSTRAINT sold_ticket_has_a_booking CHECK (status = 'available' OR booking_id IS NOT NULL),
    CONSTRAINT blocked_ticket_is_not_sold CHECK (NOT blocked OR booking_id IS NULL)
) PARTITION BY RANGE (id);

CREATE TABLE bookings (
    event_id        bigint NOT NULL,
    id              uuid NOT NULL,
    owner           uuid NOT NULL,
    seats           int[] NOT NULL DEFAULT '{}',    -- seat indexes, ascending: a booking finds its tickets without an index on them
    status          text NOT NULL CONSTRAINT booking_status_is_known
                    CHECK (status IN ('reserved', 'paying', 'confirmed', 'expired', 'cancelled', 'failed')),
    total           bigint NOT NULL,
    currency        text NOT NULL,
    expiration_time timestamptz,                    -- of the reservation; extended once when paying begins
    confirmation_id text,
    failure         text,                           -- a problem slug
    attempt_id      uuid,                           -- the latest payment attempt
    room            text,                           -- the session that bought, to be told when it is done
    jti             text,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (event_id, id),
    CONSTRAINT confirmed_booking_has_a_number CHECK ((status = 'confirmed') = (confirmation_id IS NOT NULL))
) PARTITION BY RANGE (event_id);

CREATE INDEX reservations_by_end ON bookings (expiration_time) WHERE status = 'reserved';

CREATE TABLE booking_seats (
    ticket_id  bigint NOT NULL,
    booking_id uuid NOT NULL,
    live       boolean NOT NULL,
    PRIMARY KEY (ticket_id, booking_id)
) PARTITION BY RANGE (ticket_id);
CREATE UNIQUE INDEX one_live_booking_per_seat ON booking_seats (ticket_id) WHERE live;

-- usher_add_month creates the partitions of one month. Idempotent, and safe when two callers race.
-- +goose StatementBegin
CREATE FUNCTION usher_add_month(month int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix text := to_char(make_date(2000 + month / 12, month % 12 + 1, 1), 'YYYY_MM');
BEGIN
    IF to_regclass('booking_seats_' || suffix) IS NOT NULL THEN RETURN; END IF;
    PERFORM pg_advisory_xact_lock(hashtext('usher_add_month'));
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF tickets FOR VALUES FROM (%s) TO (%s) WITH (fillfactor = 85)',
        'tickets_' || suffix, month::bigint << 47, (month + 1)::bigint << 47);
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF bookings FOR VALUES FROM (%s) TO (%s) WITH (fillfactor = 85)',
        'bookings_' || suffix, month::bigint << 27, (month + 1)::bigint << 27);
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF booking_seats FOR VALUES FROM (%s) TO (%s)',
        'booking_seats_' || suffix, month::bigint << 47, (month + 1)::bigint << 47);
END $$;
-- +goose StatementEnd

-- ── the log: commands, their results, what is told to the world ──────────────────────────────────────────────

CREATE TABLE command_results (
    command_id uuid PRIMARY KEY,
    event_id   bigint NOT NULL,
    booking_id uuid,
    result     json NOT NULL,                       -- command.Result
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX command_results_by_age ON command_results USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE consumer_offsets (
    topic     text NOT NULL,
    topic_id  text NOT NULL,                        -- a topic that was deleted and made anew is another log
    partition int NOT NULL,
    next      bigint NOT NULL,
    PRIMARY KEY (topic, topic_id, partition)
);

CREATE TABLE partition_leases (
    topic      text NOT NULL,
    partition  int NOT NULL,
    owner      text NOT NULL,
    epoch      bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE worker_presence (                      -- workers that live: they share the partitions evenly
    topic      text NOT NULL,
    owner      text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (topic, owner)
);

CREATE TABLE poison_messages (                      -- what nobody could read, set aside for a human
    topic      text NOT NULL,
    partition  int NOT NULL,
    log_offset bigint NOT NULL,
    message    bytea NOT NULL,
    reason     text NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, log_offset)
);

CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    key        text NOT NULL,                       -- the event's id: the Kafka key
    payload    bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz                          -- in Kafka, but not yet in the seat map of Redis
);

CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL; -- found at once also while the seat map is away and rows pile up

CREATE TABLE payment_attempts (
    id           uuid PRIMARY KEY,                  -- also the provider's idempotency key
    event_id     bigint NOT NULL,
    booking_id   uuid NOT NULL,
    amount       bigint NOT NULL,                   -- minor units
    currency     text NOT NULL,
    method       text NOT NULL,                     -- which provider: sandbox, stripe
    token        text NOT NULL,                     -- the provider's name for the means of payment, never card data
    status       text NOT NULL CONSTRAINT attempt_status_is_known
                 CHECK (status IN ('created', 'authorised', 'captured', 'declined', 'voided', 'failed')),
    live         boolean NOT NULL,                  -- may still take or keep money
    reason       text,
    provider_ref text,
    action_url   text,
    settled      boolean NOT NULL DEFAULT false,    -- the log knows the outcome
    tries        int NOT NULL DEFAULT 0,
    next_at      timestamptz NOT NULL DEFAULT now(),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX one_live_attempt_per_booking ON payment_attempts (event_id, booking_id) WHERE live;
CREATE INDEX attempts_to_do ON payment_attempts (next_at) WHERE NOT settled;

CREATE TABLE sandbox_ledger (                       -- the sandbox provider's own books: what an auditor compares
    attempt_id    uuid PRIMARY KEY,
    amount        bigint NOT NULL,
    currency      text NOT NULL,
    token         text NOT NULL,
    authorised_at timestamptz,
    declined      text,
    action_done   boolean NOT NULL DEFAULT false,
    captured_at   timestamptz,
    voided_at     timestamptz
);

CREATE TABLE idempotency_keys (
    scope        bytea PRIMARY KEY,                 -- SHA-256 of owner, method, path and key
    request_hash bytea NOT NULL,
    status       int,                               -- null while the first request runs
    headers      jsonb,
    body         bytea,
    locked_until timestamptz NOT NULL,              -- a crashed first request frees the key
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- ── the waiting room's memory: what must outlive Redis ───────────────────────────────────────────────────────

CREATE TABLE rooms (
    room       text PRIMARY KEY,
    rules      jsonb NOT NULL,
    state      text NOT NULL CONSTRAINT room_state_is_known
               CHECK (state IN ('scheduled', 'pre_queue', 'open', 'paused', 'draining', 'ended')),
    run        text NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE room_events (
    event_id bigint PRIMARY KEY,                    -- one room guards an event
    room     text NOT NULL REFERENCES rooms (room)
);

CREATE TABLE line_runs (
    room        text NOT NULL,
    run         text NOT NULL,
    incarnation bigint NOT NULL,                    -- rises with each loss of Redis
    block_end   bigint NOT NULL,                    -- numbers below it may have been given out
    issued      bigint NOT NULL DEFAULT 0,          -- numbers below it were given out when last looked at
    ceiling     bigint NOT NULL DEFAULT 0,          -- the watermark never passes it
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (room, run)
);

CREATE TABLE admissions (
    room       text NOT NULL,
    run        text NOT NULL,
    number     bigint NOT NULL,
    visitor    uuid NOT NULL,
    jti        text NOT NULL,
    entered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,                         -- left, or the booking core said done
    CONSTRAINT a_number_enters_once PRIMARY KEY (room, run, number)
);
CREATE INDEX admissions_by_session ON admissions (jti) WHERE ended_at IS NULL;
