package desk

import (
	"context"
	"errors"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/hold"
)

// checkout checks the holds and keeps them until the reservation's end, which goes into the command. *booking.HoldRequiredError.
func (d *Desk) checkout(ctx context.Context, c *command.Command) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	check := func() error {
		return d.maps.with(ctx, c.Event, func() (err error) {
			c.IssuedAt, c.Until, err = d.holds.Checkout(ctx, c.Event, c.Owner, c.Seats, d.Checkout)
			return err
		})
	}
	err := check()
	var missing *hold.MissingError
	if errors.As(err, &missing) && d.remembered(ctx, c, missing.Seats) {
		err = check()
	}
	if errors.As(err, &missing) {
		return &booking.HoldRequiredError{Tickets: ticketsOf(c.Event, missing.Seats)}
	}
	c.Deadline = c.IssuedAt.Add(d.Wait + deadlineSlack)
	return err
}

// remembered reports whether Postgres knows holds that Redis misses, and brings them back: one that was written while Redis was being
// loaded after a loss.
func (d *Desk) remembered(ctx context.Context, c *command.Command, seats []int) bool {
	truth, err := d.store.Seats(ctx, ticketsOf(c.Event, seats))
	if err != nil {
		return false
	}
	now := time.Now()
	for _, t := range truth {
		if t.State != booking.SeatFree || t.Holder != c.Owner || !t.Until.After(now) {
			return false
		}
	}
	return d.holds.Repair(ctx, c.Event, seatsOfTruth(truth)) == nil
}
