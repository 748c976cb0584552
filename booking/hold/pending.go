package hold

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/internal/id"
)

// pendingFor is how long a booking that was answered "pending" is remembered: its command has its end long before.
const pendingFor = time.Hour

func pendingKey(b id.Booking) string {
	return "usher:{" + b.Event.String() + "}:pending:" + b.Key.String()
}

// KeepPending remembers a booking that has no row yet, so that every gateway can tell where it stands.
func (s *Store) KeepPending(ctx context.Context, b id.Booking, what []byte) error {
	if err := s.rdb.Set(ctx, pendingKey(b), what, pendingFor).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// Pending returns what KeepPending remembers, or nil.
func (s *Store) Pending(ctx context.Context, b id.Booking) ([]byte, error) {
	what, err := s.rdb.Get(ctx, pendingKey(b)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return what, nil
}
