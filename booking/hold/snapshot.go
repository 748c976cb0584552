package hold

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// Snapshot is an event's map at one instant. It does not say who holds a seat.
type Snapshot struct {
	Version int64 // rises with every change, also over a loss of Redis
	Now     time.Time
	Same    bool // the caller's version is current, and there is nothing more in the snapshot

	packed []byte // see prelude.lua
	base   int64
}

// Snapshot reads an event's map; when the caller's version is current, only that is said. ErrLost.
func (s *Store) Snapshot(ctx context.Context, e id.Event, have int64) (snap Snapshot, err error) {
	word, rest, err := s.run(ctx, s.snapshot, e, have)
	if err != nil {
		return snap, err
	}
	text, _ := rest[0].(string)
	if snap.Version, err = strconv.ParseInt(text, 10, 64); err != nil {
		return snap, fmt.Errorf("version of a seat map: %w", err)
	}
	now, _ := rest[1].(int64)
	snap.Now = time.UnixMilli(now).UTC()
	if snap.Same = word == "SAME"; snap.Same {
		return snap, nil
	}
	snap.base, _ = rest[2].(int64)
	packed, _ := rest[3].(string)
	snap.packed = []byte(packed)
	return snap, nil
}

// At is the snapshot at a later time, when nothing has changed but the clock.
func (s Snapshot) At(now time.Time) Snapshot {
	s.Now = now
	return s
}

// Seats is the number of seats.
func (s Snapshot) Seats() int { return len(s.packed) / seatBytes }

// State is the state of a seat, which must lie in [0, Seats).
func (s Snapshot) State(seat int) booking.SeatState {
	return booking.SeatState(s.packed[seatBytes*seat])
}

// States returns the state of every seat.
func (s Snapshot) States() []booking.SeatState {
	states := make([]booking.SeatState, s.Seats())
	for seat := range states {
		states[seat] = s.State(seat)
	}
	return states
}

// Holds returns when the live holds of free seats end, by seat.
func (s Snapshot) Holds() map[int]time.Time {
	holds := map[int]time.Time{}
	for seat := range s.Seats() {
		if s.State(seat) == booking.SeatFree && s.ends(seat) > s.Now.UnixMilli() {
			holds[seat] = time.UnixMilli(s.ends(seat)).UTC()
		}
	}
	return holds
}

// HeldUntil is when the hold or the reservation of a seat ends; zero when it is neither held nor reserved.
func (s Snapshot) HeldUntil(seat int) time.Time {
	ends := s.ends(seat)
	if state := s.State(seat); state == booking.SeatReserved && ends > 0 || state == booking.SeatFree && ends > s.Now.UnixMilli() {
		return time.UnixMilli(ends).UTC()
	}
	return time.Time{}
}

// Free reports whether a seat is for sale: in no booking, not withheld, and nobody holds it.
func (s Snapshot) Free(seat int) bool {
	return s.State(seat) == booking.SeatFree && s.ends(seat) <= s.Now.UnixMilli()
}

// ends is the end of the hold in ms; 0: none.
func (s Snapshot) ends(seat int) int64 {
	after := binary.BigEndian.Uint32(s.packed[seatBytes*seat+4:])
	if after == 0 {
		return 0
	}
	return s.base + int64(after)
}
