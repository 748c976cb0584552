-- What a sales report needs: the payments of an event that were given back, found without reading all payments. They are few, so the index is
-- small; built beside the sale, so nobody who pays waits for it.

-- +goose NO TRANSACTION

-- +goose Up

CREATE INDEX CONCURRENTLY IF NOT EXISTS attempts_given_back ON payment_attempts (event_id) WHERE status = 'voided' AND reason = 'refused';
