-- What the cashier needs beside next_at, and the sandbox's clock and count. No table is rewritten.

-- +goose Up

ALTER TABLE payment_attempts
    ADD COLUMN leased_until timestamptz,                  -- a cashier works on it; when it dies, the lease runs out
    ADD COLUMN woken        boolean NOT NULL DEFAULT false; -- the provider has news; seen by the next claim

ALTER TABLE sandbox_ledger
    ADD COLUMN opened_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN calls     int NOT NULL DEFAULT 1,          -- how often it was opened: tok_error counts
    DROP COLUMN action_done,                              -- authorised_at says it
    ADD CONSTRAINT captured_was_authorised CHECK (captured_at IS NULL OR authorised_at IS NOT NULL),
    ADD CONSTRAINT declined_is_not_authorised CHECK (declined IS NULL OR authorised_at IS NULL);
