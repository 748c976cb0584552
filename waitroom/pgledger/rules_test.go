package pgledger

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/testenv"
	"usher/waitroom"
	"usher/waitroom/pass"
	"usher/waitroom/redisline"
)

// session is how long sessions last: longer than a test on the busiest machine.
const session = 10 * time.Minute

// doors are three gateways before the same rooms, on real stores.
type doors struct {
	t       *testing.T
	ledger  *Ledger
	keepers []*waitroom.Keeper
	office  *waitroom.Office // of the first
	room    string
	events  []id.Event
}

// openDoors opens a room for two events.
func openDoors(t *testing.T, edit func(*waitroom.Room)) *doors {
	t.Helper()
	store := pgtest.Open(t, 12)
	addr, room := testenv.Redis(t)
	rdb, err := redisdb.Dial(addr, 32)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	d := &doors{t: t, ledger: New(store.Pool()), room: room, events: []id.Event{pgtest.Event(t, store, 20), pgtest.Event(t, store, 20)}}
	testenv.Running(t, d.ledger.Run)
	secrets, keys := filepath.Join(t.TempDir(), "s"), filepath.Join(t.TempDir(), "k")
	if err := errors.Join(waitroom.EnsureSecrets(secrets), pass.EnsureKeys(keys)); err != nil {
		t.Fatal(err)
	}
	change1(t, d.ledger, "put", room, func(r *waitroom.Room) {
		r.SetEvents(d.events)
		r.Capacity, r.CallsPerMinute, r.PollFloor, r.Session, r.SessionCap, r.Grace = 20, 60_000, 50*time.Millisecond, session, 2*session, time.Minute
		edit(r)
	})
	for range 3 {
		sealer, err := waitroom.LoadSecrets(secrets)
		if err != nil {
			t.Fatal(err)
		}
		signing, err := pass.LoadKeys(keys)
		if err != nil {
			t.Fatal(err)
		}
		line := redisline.New(rdb)
		k := waitroom.NewKeeper(line, d.ledger, sealer, pass.New(signing, "https://usher.test", time.Now), slog.New(slog.DiscardHandler))
		if err := k.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		testenv.Running(t, line.Run)
		testenv.Running(t, k.Run)
		d.keepers = append(d.keepers, k)
	}
	d.office = waitroom.NewOffice(d.keepers[0], d.ledger, slog.New(slog.DiscardHandler))
	for _, k := range d.keepers {
		d.until("the gateways know the line", func() bool { return k.Ready() == nil })
	}
	return d
}

// until waits for something that comes within half a minute.
func (d *doors) until(what string, is func() bool) {
	d.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatal("in vain: ", what)
		}
	}
}

// patch changes the room's rules, and waits until every gateway goes by them.
func (d *doors) patch(edit func(*waitroom.Room)) waitroom.Room {
	d.t.Helper()
	r, err := d.office.Patch(d.t.Context(), somebody, d.room, waitroom.Match{}, func(r *waitroom.Room) error { edit(r); return nil })
	if err != nil {
		d.t.Fatal(err)
	}
	for _, k := range d.keepers {
		d.until("every gateway goes by the new rules", func() bool {
			seen, err := k.Room(d.room)
			return err == nil && seen.Version >= r.Version
		})
	}
	return r
}

// guest is a visitor and what he has.
type guest struct {
	place  waitroom.Place
	claims pass.Claims // of his pass; zero before
	keeper *waitroom.Keeper
}

func (d *doors) join(n int) (all []*guest) {
	d.t.Helper()
	seen := map[int64]bool{}
	for i := range n {
		g := &guest{keeper: d.keepers[i%len(d.keepers)]}
		line, first, err := g.keeper.Join(d.t.Context(), d.room, id.NewVisitor(), nil)
		if err != nil || !first || seen[line.Place.Number] {
			d.t.Fatalf("a visitor joins: number %d, first %t, %v", line.Place.Number, first, err)
		}
		seen[line.Place.Number], g.place = true, line.Place
		all = append(all, g)
	}
	return all
}

// enter lets everybody without a pass try once, all at once, each at another gateway than last; it returns how many are let in.
func (d *doors) enter(all []*guest) (in int) {
	d.t.Helper()
	var mu sync.Mutex
	var crowd sync.WaitGroup
	for i, g := range all {
		if g.claims.JTI != "" {
			continue
		}
		g.keeper = d.keepers[(i+1)%len(d.keepers)]
		crowd.Go(func() {
			line, err := g.keeper.Enter(d.t.Context(), g.place)
			if errors.Is(err, waitroom.ErrNotCalled) || errors.Is(err, waitroom.ErrRoomFull) {
				return
			}
			claims, wrong := g.keeper.Verify(line.Pass, d.room)
			if err = errors.Join(err, wrong); err != nil {
				d.t.Errorf("number %d enters: %v", g.place.Number, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			g.claims = claims
			in++
		})
	}
	crowd.Wait()
	return in
}

// inside are those whose session lives.
func (d *doors) inside(all []*guest) (in []*guest) {
	d.t.Helper()
	for _, g := range all {
		if g.claims.JTI == "" {
			continue
		}
		if err := d.keepers[0].CheckActive(d.t.Context(), g.claims); err == nil {
			in = append(in, g)
		} else if !errors.Is(err, waitroom.ErrSessionOver) {
			d.t.Errorf("number %d asks: %v", g.place.Number, err)
		}
	}
	return in
}

func (d *doors) leave(all []*guest) {
	d.t.Helper()
	for _, g := range all {
		if err := g.keeper.LeaveSession(d.t.Context(), g.claims); err != nil {
			d.t.Errorf("number %d leaves: %v", g.place.Number, err)
		}
	}
}

// The capacity goes below those inside, and up again: nobody is thrown out, nobody enters until there is room, and nobody loses his place.
func TestTheCapacityChangesWhilePeopleAreInside(t *testing.T) {
	t.Parallel()
	d := openDoors(t, func(*waitroom.Room) {})
	all := d.join(60)
	d.until("twenty are inside", func() bool { d.enter(all); return len(d.inside(all)) == 20 })
	d.patch(func(r *waitroom.Room) { r.Capacity = 5 })
	if n := len(d.inside(all)); n != 20 {
		t.Errorf("%d of 20 sessions live on with a capacity of 5", n)
	}
	d.leave(d.inside(all)[:12])
	for end := time.Now().Add(waitroom.Linger + time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if n := d.enter(all); n > 0 {
			t.Fatalf("%d enter though 8 are inside, of 5", n)
		}
	}
	d.leave(d.inside(all)[:6])
	d.until("three enter where two are left of five", func() bool {
		d.enter(all)
		n := len(d.inside(all))
		if n > 5 {
			t.Fatalf("%d are inside, of 5", n)
		}
		return n == 5
	})
	d.patch(func(r *waitroom.Room) { r.Capacity = 60 })
	d.until("everybody has been inside", func() bool {
		d.enter(all)
		for _, g := range all {
			if g.claims.JTI == "" {
				return false
			}
		}
		return true
	})
	for _, g := range all {
		if g.claims.Number != g.place.Number {
			t.Errorf("number %d has entered as %d", g.place.Number, g.claims.Number)
		}
	}
}

// Sessions keep the time that their passes say; those that begin later have the new one.
func TestTheSessionLengthChangesForThoseWhoComeLater(t *testing.T) {
	t.Parallel()
	d := openDoors(t, func(r *waitroom.Room) { r.Capacity = 5 })
	all := d.join(10)
	d.until("five are inside", func() bool { d.enter(all); return len(d.inside(all)) == 5 })
	before := d.inside(all)
	d.patch(func(r *waitroom.Room) { r.Session, r.Capacity = 2*time.Second, 10 })
	d.until("everybody has been inside", func() bool { return d.enter(all) == 0 && len(d.inside(all)) >= 5 && all[9].claims.JTI != "" })
	for n, g := range all {
		if lasts := g.claims.ExpiresAt.Sub(g.claims.IssuedAt); n < 5 && lasts != session || n >= 5 && (lasts < time.Second || lasts > 3*time.Second) {
			t.Errorf("the session of number %d lasts %s", n, lasts)
		}
	}
	d.until("the short sessions are over", func() bool { return len(d.inside(all[5:])) == 0 })
	if n := len(d.inside(before)); n != 5 {
		t.Errorf("%d of the first five are still inside", n)
	}
}

// Who was called and told a time may come until then, though the grace is shortened meanwhile.
func TestAShorterGraceTakesNobodysTurn(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]bool{"as operators do it": true, "control: without keeping the promise": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoors(t, func(*waitroom.Room) {})
			g := d.join(1)[0]
			var told time.Time
			d.until("he is called", func() bool {
				line, err := g.keeper.Poll(g.place, 0)
				told = line.EnterBefore
				return err == nil && line.State == waitroom.StandCalled
			})
			shorter := func(r *waitroom.Room) { r.Grace = time.Second }
			if kept {
				d.patch(shorter)
			} else {
				change1(t, d.ledger, "patch", d.room, shorter)
			}
			// A second and more later, by the clock of Redis: a later visitor's turn is no measure, for he was told the same.
			patience := 4 * time.Second // in which nothing may happen
			if !kept {
				patience = 30 * time.Second
			}
			for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				if s, err := d.keepers[0].Stats(d.room); err != nil || s.Lapsed > 0 {
					break
				}
			}
			line, err := g.keeper.Poll(g.place, 0)
			if _, e := g.keeper.Enter(t.Context(), g.place); (e == nil) != kept {
				t.Errorf("told to come before %s he comes at %s: %v", told, time.Now(), e)
			}
			if kept && (err != nil || line.State != waitroom.StandCalled || line.EnterBefore.Before(told.Add(-time.Second))) {
				t.Errorf("told %s, and then %s, %s, %v", told, line.State, line.EnterBefore, err)
			}
		})
	}
}

// Of two operators who have read the same, one changes the room and the other is told; two who say nothing of what they have read both count.
func TestOfTwoChangesAtOnceNoneIsLost(t *testing.T) {
	t.Parallel()
	d := openDoors(t, func(*waitroom.Room) {})
	read, err := d.keepers[0].Room(d.room)
	if err != nil {
		t.Fatal(err)
	}
	both := func(m waitroom.Match) (stale int) {
		var mu sync.Mutex
		var operators sync.WaitGroup
		for _, edit := range []func(*waitroom.Room){func(r *waitroom.Room) { r.Capacity++ }, func(r *waitroom.Room) { r.CallsPerMinute++ }} {
			operators.Go(func() {
				_, err := d.office.Patch(t.Context(), somebody, d.room, m, func(r *waitroom.Room) error { edit(r); return nil })
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, waitroom.ErrStale) {
					stale++
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		operators.Wait()
		return stale
	}
	if n := both(waitroom.Match{Versions: []int64{read.Version}}); n != 1 {
		t.Errorf("%d of two are told that the room has changed", n)
	}
	if n := both(waitroom.Match{}); n != 0 {
		t.Errorf("%d of two are told so though they did not ask", n)
	}
	now, err := d.keepers[0].Room(d.room)
	if err != nil || now.Version != read.Version+3 || float64(now.Capacity-read.Capacity)+now.CallsPerMinute-read.CallsPerMinute != 3 {
		t.Errorf("of three changes are left %d and %v, %v", now.Capacity-read.Capacity, now.CallsPerMinute-read.CallsPerMinute, err)
	}
}

// An event that moves to another room is guarded all the time, on every gateway; its stock moves with it.
func TestAnEventIsGuardedWhileItMoves(t *testing.T) {
	t.Parallel()
	d := openDoors(t, func(*waitroom.Room) {})
	moving := d.events[0]
	ctx, stop := context.WithCancel(t.Context())
	var watchers sync.WaitGroup
	for _, k := range d.keepers {
		watchers.Go(func() {
			for ctx.Err() == nil {
				if r, guarded := k.RoomOf(moving); !guarded || !r.Active {
					t.Error("the event is open to everybody")
					return
				}
				time.Sleep(100 * time.Microsecond)
			}
		})
	}
	other := d.room + "-2"
	for _, to := range []string{other, d.room, other} {
		if _, _, err := d.office.Put(t.Context(), somebody, to, waitroom.Match{}, func(r *waitroom.Room) error {
			r.Method, r.Capacity, r.CallsPerMinute = waitroom.FIFO, 5, 60
			r.SetEvents([]id.Event{moving})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, k := range d.keepers {
			d.until("every gateway knows where it is", func() bool { r, _ := k.RoomOf(moving); return r.Room == to })
		}
	}
	stop()
	watchers.Wait()
	r, _ := d.keepers[2].RoomOf(moving)
	if from := r.Former[moving]; from.Room != d.room {
		t.Errorf("it has come from %+v", from)
	}
}
