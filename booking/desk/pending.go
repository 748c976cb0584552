package desk

import (
	"context"
	"encoding/json"
	"time"

	"usher/booking"
	"usher/booking/hold"
	"usher/internal/id"
)

const (
	maxPending = 10_000          // bookings that one process remembers, half of it; Redis remembers them for all
	fenceEvery = 2 * time.Second // of one booking, by one process, however often it is asked for
	keepTime   = 300 * time.Millisecond
)

// pending remembers bookings that were answered "pending": in this process, and in Redis for the others. It is a help for those who
// ask: the log and the table of results decide.
type pending struct {
	holds  *hold.Store
	known  *recent[id.Booking, underway]
	fenced *recent[id.Booking, time.Time]
}

// underway is a booking whose command has no result yet.
type underway struct {
	Booking booking.Booking `json:"booking"`
	Overdue time.Time       `json:"overdue"` // from then on its worker refuses it
}

func newPending(holds *hold.Store) *pending {
	return &pending{holds: holds, known: newRecent[id.Booking, underway](maxPending), fenced: newRecent[id.Booking, time.Time](maxPending)}
}

func (p *pending) add(ctx context.Context, u underway) error {
	p.known.put(u.Booking.ID, u)
	what, err := json.Marshal(u)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	return p.holds.KeepPending(ctx, u.Booking.ID, what)
}

// get returns what is known of a booking under way; ok is false when nobody knows it.
func (p *pending) get(ctx context.Context, b id.Booking) (u underway, ok bool, err error) {
	if u, ok = p.known.get(b); ok {
		return u, true, nil
	}
	what, err := p.holds.Pending(ctx, b)
	if err != nil || what == nil {
		return u, false, err
	}
	if err := json.Unmarshal(what, &u); err != nil {
		return u, false, err
	}
	p.known.put(b, u)
	return u, true, nil
}

// fence reports whether it is time to append a fence for the booking.
func (p *pending) fence(b id.Booking) bool {
	if last, ok := p.fenced.get(b); ok && time.Since(last) < fenceEvery {
		return false
	}
	p.fenced.put(b, time.Now())
	return true
}
