package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"usher/booking"
	"usher/internal/id"
)

// SetBuyer writes who buys a booking that is not paid yet. booking.ErrBookingNotPayable: it is another's, paid, or over.
func (s *Store) SetBuyer(ctx context.Context, owner id.Visitor, b id.Booking, buyer booking.Buyer) error {
	tag, err := s.pool.Exec(ctx, query("set_buyer"), int64(b.Event), [16]byte(b.Key), [16]byte(owner), buyer.Name, buyer.Email)
	if err != nil {
		return fmt.Errorf("buyer of %s: %w", b, away(err))
	}
	if tag.RowsAffected() == 0 {
		return booking.ErrBookingNotPayable
	}
	return nil
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
