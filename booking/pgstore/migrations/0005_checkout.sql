-- What the checkout needs: a reservation can be extended once, and a booking knows who buys. No table is rewritten: a constant default and
-- nullable columns are catalog entries only. The buyer stands with the booking, so that another booking under another name changes nothing,
-- and goes with its month.

-- +goose Up

ALTER TABLE bookings
    ADD COLUMN extended    boolean NOT NULL DEFAULT false,
    ADD COLUMN buyer_name  text,
    ADD COLUMN buyer_email text;

ALTER TABLE users ADD COLUMN email text;
