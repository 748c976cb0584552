package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"usher/booking"
	"usher/internal/id"
)

// SetBuyer writes who buys a booking that is not paid yet, and is done when it is durable. booking.ErrBookingNotFound: there is none of this
// owner. booking.ErrBookingExpired, ErrBookingNotPayable: it is over, or paid, and keeps the name that it has.
func (s *Store) SetBuyer(ctx context.Context, owner id.Visitor, b id.Booking, buyer booking.Buyer) error {
	var status string
	var written bool
	err := s.pool.QueryRow(ctx, query("set_buyer"), int64(b.Event), [16]byte(b.Key), [16]byte(owner), buyer.Name, buyer.Email).Scan(&status, &written)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return booking.ErrBookingNotFound
	case err != nil:
		return fmt.Errorf("buyer of %s: %w", b, away(err))
	case written:
		return nil
	case booking.Status(status) == booking.Expired:
		return booking.ErrBookingExpired
	}
	return booking.ErrBookingNotPayable
}

// Buyer reads who buys a booking, and the provider's reason when its latest payment came to nothing. Both are empty before the first try.
func (s *Store) Buyer(ctx context.Context, b id.Booking) (buyer booking.Buyer, decline string, err error) {
	var name, email, reason *string
	err = s.pool.QueryRow(ctx, query("buyer"), int64(b.Event), [16]byte(b.Key)).Scan(&name, &email, &reason)
	if errors.Is(err, pgx.ErrNoRows) {
		return buyer, "", booking.ErrBookingNotFound
	}
	if err != nil {
		return buyer, "", fmt.Errorf("buyer of %s: %w", b, away(err))
	}
	return booking.Buyer{Name: value(name), Email: value(email)}, value(reason), nil
}
