package waitroom

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/singleflight"

	"usher/waitroom/pass"
)

// Drive is all that a driven keeper does not take from its queue and its ledger.
type Drive struct {
	Now    func() time.Time
	Within func(context.Context, time.Duration) (context.Context, context.CancelFunc) // is context.WithTimeout by that time
	Chance func(n int64) int64                                                        // from 0 to below n
	NewJTI func() string
	Sign   func(pass.Claims) (string, error)
	Block  int64 // numbers reserved ahead, at least 2
	Waits  Patience
}

// Driven is a keeper whose time is in somebody else's hands: it starts no goroutine, reads no clock and draws nothing but by its Drive, and each
// of its methods returns to whoever called it. One thing differs from a keeper that runs: what is asked of a line at the same time is
// not shared, as if it came from different gateways; the ledger bears that. A simulation drives it.
type Driven struct{ *Keeper }

// NewDriven returns a keeper to be driven: Read it, then let it Step, Share and Note every room every CallEvery.
func NewDriven(queue Queue, ledger Ledger, d Drive) Driven {
	k := NewKeeper(queue, ledger, nil, nil, slog.New(slog.DiscardHandler))
	k.now, k.within, k.chance, k.newJTI, k.sign, k.block, k.waits = d.Now, d.Within, d.Chance, d.NewJTI, d.Sign, d.Block, d.Waits
	k.once = func(_ string, ask func() (any, error)) <-chan singleflight.Result {
		done := make(chan singleflight.Result, 1)
		v, err := ask()
		done <- singleflight.Result{Val: v, Err: err}
		return done
	}
	return Driven{k}
}

// How often a keeper takes its turns, and how often it reads the rooms.
const (
	CallEvery  = callEvery
	RoomsEvery = roomsEvery
)

// Step is one turn of a room's line. ErrRoomNotFound.
func (d Driven) Step(ctx context.Context, room string) error { return d.turn(ctx, room, d.step) }

// Share is one turn of a room's presence. ErrRoomNotFound.
func (d Driven) Share(ctx context.Context, room string) error { return d.turn(ctx, room, d.share) }

// Note is one turn of a room's ledger. ErrRoomNotFound.
func (d Driven) Note(ctx context.Context, room string) error { return d.turn(ctx, room, d.note) }

func (d Driven) turn(ctx context.Context, room string, turn func(context.Context, *live) error) error {
	l := (*d.rooms.Load())[room]
	if l == nil {
		return ErrRoomNotFound
	}
	return turn(ctx, l)
}
