package simulation

import (
	"context"
	"errors"
	"time"

	"usher/internal/id"
	"usher/internal/virtual"
	"usher/waitroom"
	"usher/waitroom/pass"
)

var key = waitroom.RunKey{Room: "final", Run: "run"}

// errRefused is the answer of a store that is away.
var errRefused = errors.New("connection refused")

// store is one that the gateways share.
type store struct {
	away    bool
	hangs   bool     // while it is away: it does not answer, and does later what it was asked
	waiting []func() // that
	life    int      // of the process
}

// gateway is a process with a keeper.
type gateway struct {
	virtual.Process
	waitroom.Driven
	w       *virtual.World
	s       *scene
	name    int
	skew    time.Duration // of its clock
	cut     [2]bool       // from the line, from the ledger
	up      bool
	notedAt time.Duration // when it began what the ledger has of it
}

// The stores, as gateways are cut from them.
const (
	theLine = iota
	theLedger
)

// start lets a gateway begin to serve; it reads the rooms first.
func (g *gateway) start() {
	g.notedAt = g.w.Now
	g.Driven = waitroom.NewDriven(g.s.plant.gate(link{g}), notes{g}, waitroom.Drive{
		Now:    func() time.Time { return g.w.Time().Add(g.skew) },
		Within: g.w.Within,
		Chance: g.w.Int64N,
		NewJTI: g.s.newJTI,
		Sign:   func(c pass.Claims) (string, error) { return c.JTI, nil },
		Block:  g.s.block,
		Waits:  g.s.plant.waits(),
	})
	ctx := context.Background()
	every := func(d time.Duration, turn func()) {
		g.w.Begin(&g.Process, func() {
			for {
				from := g.w.Now
				turn()
				g.w.Sleep(d - (g.w.Now - from))
			}
		}, nil)
	}
	g.w.Begin(&g.Process, func() {
		for g.Read(ctx) != nil {
			g.w.Sleep(time.Second / 2)
		}
		g.up = true
		g.w.After(0, func() {
			if !g.up {
				return
			}
			every(waitroom.CallEvery, func() { _ = g.Step(ctx, key.Room) })
			every(waitroom.CallEvery, func() { _ = g.Note(ctx, key.Room) })
			every(waitroom.CallEvery, func() { _ = g.Share(ctx, key.Room) })
			every(waitroom.RoomsEvery, func() { _ = g.Read(ctx) })
		})
	}, nil)
}

// crash ends the process, with all that it was about to do.
func (g *gateway) crash() {
	g.Die()
	g.up = false
}

// serves reports whether a balancer sends people to it.
func (g *gateway) serves() bool { return g.up && g.Ready() == nil }

// send brings a message to a store and its answer back, or loses one of them.
func send[T any](ctx context.Context, g *gateway, store int, effect func() (T, error)) (T, error) {
	return exchange(ctx, g, store, false, effect)
}

// exchange is send; a talk is more than one message, so that nothing comes of it, late or twice, when the gateway has given it up.
func exchange[T any](ctx context.Context, g *gateway, store int, talk bool, effect func() (T, error)) (answer T, err error) {
	w, to, l := g.w, g.s.stores[store], &g.s.weather
	giveUp := func() (T, error) {
		until := w.Now + 2*time.Second
		if d, ok := ctx.Deadline(); ok {
			until = min(until, d.Sub(virtual.Dawn)) // a connection is given up before a long step is
		}
		w.Sleep(until - w.Now)
		var none T
		return none, context.DeadlineExceeded
	}
	life := to.life
	again := func() {
		if talk || life != to.life {
			return // or it was sent to a process that is no more
		}
		if to.away {
			to.waiting = append(to.waiting, func() { _, _ = effect() })
			return
		}
		_, _ = effect()
	}
	if err := ctx.Err(); err != nil {
		return answer, err
	}
	if g.cut[store] {
		return giveUp()
	}
	if to.away {
		if !to.hangs {
			w.Sleep(time.Millisecond)
			return answer, errRefused
		}
		if w.IntN(2) == 0 {
			again()
		}
		return giveUp()
	}
	took := time.Duration(w.IntN(1_500_000))
	fate := w.Float64()
	switch {
	case fate >= l.trouble:
		w.Sleep(took)
	case fate < l.trouble*0.2:
		return giveUp() // the message is lost
	case fate < l.trouble*0.4:
		if w.Sleep(took); life == to.life && !to.away {
			_, _ = effect()
		}
		return giveUp() // the answer is lost
	case fate < l.trouble*0.6:
		w.After(time.Duration(w.Int64N(int64(l.late))), again) // it comes later than anybody waits
		return giveUp()
	case fate < l.trouble*0.8:
		w.Sleep(took)
		if life != to.life {
			return giveUp()
		}
		w.After(time.Duration(w.Int64N(int64(l.late))), again) // it comes twice
	default:
		w.Sleep(time.Duration(w.Int64N(int64(1900 * time.Millisecond)))) // it is slow
	}
	if to.away || life != to.life {
		return giveUp()
	}
	answer, err = effect()
	if fate < 3*l.trouble { // others come between the effect and its answer
		w.Sleep(took)
	}
	return answer, err
}

// link is a gateway's way to the line.
type link struct{ *gateway }

// none is the answer of what answers nothing.
type none = struct{}

func (l link) Join(ctx context.Context, k waitroom.RunKey, v id.Visitor, shown int64) (waitroom.Joined, error) {
	return send(ctx, l.gateway, theLine, func() (waitroom.Joined, error) {
		j, err := l.s.line.Join(context.Background(), k, v, shown)
		if err == nil {
			l.s.judge.joined(v, shown, j)
		}
		return j, err
	})
}

func (l link) Grow(ctx context.Context, k waitroom.RunKey, incarnation, blockEnd int64) error {
	_, err := send(ctx, l.gateway, theLine, func() (none, error) {
		return none{}, l.s.line.Grow(context.Background(), k, incarnation, blockEnd)
	})
	return err
}

func (l link) Lapses(ctx context.Context, k waitroom.RunKey) (waitroom.Lapses, error) {
	return send(ctx, l.gateway, theLine, func() (waitroom.Lapses, error) { return l.s.line.Lapses(context.Background(), k) })
}

func (l link) Ends(ctx context.Context, k waitroom.RunKey) ([]waitroom.Admission, error) {
	return send(ctx, l.gateway, theLine, func() ([]waitroom.Admission, error) { return l.s.line.Ends(context.Background(), k) })
}

func (l link) Noted(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	_, err := send(ctx, l.gateway, theLine, func() (none, error) {
		err := l.s.line.Noted(context.Background(), k, a)
		if err == nil {
			l.s.judge.left(a.Visitor, a.Number, a.JTI, a.JTI) // a line that was restored meanwhile may have believed that he is inside
		}
		return none{}, err
	})
	return err
}

func (l link) Call(ctx context.Context, k waitroom.RunKey, r waitroom.CallRules) (waitroom.Watch, error) {
	fresh := l.w.Now-l.notedAt < 2500*time.Millisecond // what it has noted holds it up: for three seconds, as it counts them
	return send(ctx, l.gateway, theLine, func() (waitroom.Watch, error) {
		w, err := l.s.line.Call(context.Background(), k, r)
		if err == nil {
			l.s.judge.called(fresh, r, w)
		}
		return w, err
	})
}

func (l link) Share(ctx context.Context, k waitroom.RunKey, t waitroom.Telling) (waitroom.Shared, error) {
	return send(ctx, l.gateway, theLine, func() (waitroom.Shared, error) {
		return l.s.line.Share(context.Background(), k, t)
	})
}

func (l link) Watch(ctx context.Context, k waitroom.RunKey) (waitroom.Watch, error) {
	return send(ctx, l.gateway, theLine, func() (waitroom.Watch, error) { return l.s.line.Watch(context.Background(), k) })
}

func (l link) Enter(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
	return send(ctx, l.gateway, theLine, func() (waitroom.Session, error) {
		s, err := l.s.line.Enter(context.Background(), k, v, n, r)
		l.s.judge.entered(v, n, r, s, err)
		return s, err
	})
}

func (l link) Leave(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, jti string) (waitroom.Session, error) {
	return send(ctx, l.gateway, theLine, func() (waitroom.Session, error) {
		over, err := l.s.line.Leave(context.Background(), k, v, n, jti)
		if err == nil {
			l.s.judge.left(v, n, jti, over.JTI)
		}
		return over, err
	})
}

func (l link) Extend(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string, until time.Time) (int64, error) {
	return send(ctx, l.gateway, theLine, func() (int64, error) { return l.s.line.Extend(context.Background(), k, v, jti, until) })
}

func (l link) Active(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string) error {
	_, err := send(ctx, l.gateway, theLine, func() (none, error) {
		err := l.s.line.Active(context.Background(), k, v, jti)
		l.s.judge.active(jti, err)
		return none{}, err
	})
	return err
}

func (l link) Writable(ctx context.Context, k waitroom.RunKey) error {
	_, err := send(ctx, l.gateway, theLine, func() (none, error) { return none{}, l.s.line.Writable(context.Background(), k) })
	return err
}

func (l link) Restore(ctx context.Context, k waitroom.RunKey, m waitroom.Memory) error {
	_, err := send(ctx, l.gateway, theLine, func() (none, error) {
		err := l.s.line.Restore(context.Background(), k, m)
		l.s.judge.restored(m)
		return none{}, err
	})
	return err
}

// notes is a gateway's way to the ledger.
type notes struct{ *gateway }

func (n notes) Rooms(ctx context.Context) ([]waitroom.Room, error) {
	return send(ctx, n.gateway, theLedger, func() ([]waitroom.Room, error) { return n.s.ledger.Rooms(context.Background()) })
}

func (n notes) SetState(ctx context.Context, room string, from, to waitroom.State) error {
	_, err := send(ctx, n.gateway, theLedger, func() (none, error) { return none{}, n.s.ledger.SetState(context.Background(), room, from, to) })
	return err
}

func (n notes) Reserve(ctx context.Context, k waitroom.RunKey, incarnation, want int64) (int64, error) {
	return send(ctx, n.gateway, theLedger, func() (int64, error) { return n.s.ledger.Reserve(context.Background(), k, incarnation, want) })
}

func (n notes) Note(ctx context.Context, k waitroom.RunKey, incarnation, issued, ceiling int64) error {
	began := n.w.Now
	_, err := send(ctx, n.gateway, theLedger, func() (none, error) {
		return none{}, n.s.ledger.Note(context.Background(), k, incarnation, issued, ceiling)
	})
	if err == nil {
		n.notedAt = began
	}
	return err
}

func (n notes) Recover(ctx context.Context, k waitroom.RunKey, issued, block int64) (waitroom.Memory, error) {
	return exchange(ctx, n.gateway, theLedger, true, func() (waitroom.Memory, error) {
		m, err := n.s.ledger.Recover(context.Background(), k, issued, block)
		if err == nil {
			n.s.judge.recovered(m)
		}
		return m, err
	})
}

func (n notes) Admit(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	_, err := send(ctx, n.gateway, theLedger, func() (none, error) {
		err := n.s.ledger.Admit(context.Background(), k, a)
		if err == nil {
			n.s.judge.admitted(a)
		}
		return none{}, err
	})
	return err
}

func (n notes) Done(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) (int64, error) {
	return send(ctx, n.gateway, theLedger, func() (int64, error) { return n.s.ledger.Done(context.Background(), k, a) })
}
