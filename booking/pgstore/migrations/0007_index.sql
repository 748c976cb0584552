-- What an index outside of Postgres needs: documents with a version, and how far each index has got in the log of changes. No table is
-- rewritten: a constant default is a catalog entry only.

-- +goose Up

-- A document's version is that of the event's facts and this one, added: both only rise, so their sum rises with each change of either. It
-- stands here and not in events, because views that keep the facts need not read them again when the last seat is sold.
ALTER TABLE event_search ADD COLUMN sale_version bigint NOT NULL DEFAULT 0; -- rises with each change of for_sale by sales

CREATE TABLE index_offsets (
    index_name text   NOT NULL,                         -- each index has its own: one that is being built lags behind the one that serves
    topic_id   text   NOT NULL,                         -- a topic that was deleted and made anew is another log
    partition  int    NOT NULL,
    next       bigint NOT NULL CONSTRAINT offset_is_not_negative CHECK (next >= 0),
    PRIMARY KEY (index_name, topic_id, partition)
);
