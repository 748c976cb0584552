package waitroom_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/memline"
	"usher/waitroom/pace"
	"usher/waitroom/pass"
)

// final is the room of these tests: ten are called a second.
func final() waitroom.Room {
	return waitroom.Room{State: waitroom.Open, Run: "run", Rules: waitroom.Rules{
		Room: "final", Method: waitroom.FIFO, Capacity: 100_000, CallsPerMinute: 600, Session: 10 * time.Minute, SessionCap: time.Hour,
		Grace: 2 * time.Minute, PollFloor: 2 * time.Second, PollCap: time.Minute,
	}}
}

var finalRun = waitroom.RunKey{Room: "final", Run: "run"}

// house is a keeper over a line and a ledger in memory; its clock is that of the bubble.
type house struct {
	t *testing.T
	*waitroom.Keeper
	line    *fragile
	ledger  *ledger
	places  map[int]waitroom.Place // by fan
	make    func() *waitroom.Keeper
	healthy func() *waitroom.Keeper // makes one that follows no health
	late    atomic.Bool             // whether all calls are late behind the doors of the others
	stop    func()                  // ends the gateway that is asked
}

// fragile is a line whose store may refuse writes.
type fragile struct {
	*memline.Line
	refuses atomic.Bool
	away    atomic.Bool // calling is not answered
	patient atomic.Bool // nobody is gone
	calls   atomic.Int64
}

func (l *fragile) Call(ctx context.Context, k waitroom.RunKey, r waitroom.CallRules) (waitroom.Watch, error) {
	l.calls.Add(1)
	if l.away.Load() {
		return waitroom.Watch{}, waitroom.ErrLineUnavailable
	}
	if l.patient.Load() {
		r.Gone = waitroom.Gone{}
	}
	return l.Line.Call(ctx, k, r)
}

func (l *fragile) Writable(context.Context, waitroom.RunKey) error {
	if l.refuses.Load() {
		return waitroom.ErrLineUnavailable
	}
	return nil
}

// inHouse runs a test in a bubble with a house that runs and has heard of its line.
func inHouse(t *testing.T, room waitroom.Room, test func(*house)) {
	dir := t.TempDir()
	secrets, keys := filepath.Join(dir, "secrets"), filepath.Join(dir, "keys")
	if err := errors.Join(waitroom.EnsureSecrets(secrets), pass.EnsureKeys(keys)); err != nil {
		t.Fatal(err)
	}
	sealer, err := waitroom.LoadSecrets(secrets)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := pass.LoadKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, line: &fragile{Line: memline.New(time.Now)}, ledger: newLedger(room), places: map[int]waitroom.Place{}}
		h.healthy = func() *waitroom.Keeper {
			return waitroom.NewKeeper(h.line, h.ledger, sealer, pass.New(signing, "https://usher.example", time.Now), slog.New(slog.DiscardHandler))
		}
		h.make = func() *waitroom.Keeper {
			k := h.healthy()
			k.Follow(h.health)
			return k
		}
		h.begin()
		time.Sleep(time.Second)
		synctest.Wait()
		if err := h.Ready(); err != nil {
			t.Errorf("a second after it began: %v", err)
		}
		test(h)
		h.stop()
	})
}

// health is that of what is behind the doors.
func (h *house) health() pace.Health {
	if h.late.Load() {
		return pace.Health{Late: 1}
	}
	return pace.Health{}
}

// begin starts a gateway, which is asked from now on.
func (h *house) begin() {
	ctx, cancel := context.WithCancel(h.t.Context())
	k, done := h.make(), make(chan error, 1) // who fails the test does not wait for it
	go func() { done <- k.Run(ctx) }()
	h.Keeper = k
	h.stop = func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("the keeper ends with %v", err)
		}
	}
}

// order carries out an operator's order at the gateway that is asked.
func (h *house) order(order string) error {
	office := waitroom.NewOffice(h.Keeper, h.ledger, slog.New(slog.DiscardHandler))
	_, err := office.Order(h.t.Context(), waitroom.By{Who: "test"}, "final", order)
	return err
}

// fan is a visitor by number.
func fan(n int) id.Visitor { return id.Visitor{0: 1, 14: byte(n >> 8), 15: byte(n)} }

// join lets a fan join with the place that he has.
func (h *house) join(n int) (number int64, first bool) {
	h.t.Helper()
	var shown *waitroom.Place
	if p, has := h.places[n]; has {
		shown = &p
	}
	line, first, err := h.Join(h.t.Context(), "final", fan(n), shown)
	if err != nil {
		h.t.Errorf("fan %d joins: %v", n, err)
	}
	h.places[n] = line.Place
	return line.Place.Number, first
}

// enter lets a fan enter with his place, and returns the claims of his pass.
func (h *house) enter(n int) (pass.Claims, error) {
	line, err := h.Enter(h.t.Context(), h.places[n])
	if err != nil {
		return pass.Claims{}, err
	}
	return h.Verify(line.Pass, "final")
}

// wants lets a fan enter, who must be answered so; nil: he is let in.
func (h *house) wants(n int, want error) pass.Claims {
	h.t.Helper()
	c, err := h.enter(n)
	if !errors.Is(err, want) {
		h.t.Errorf("fan %d enters: %v, want %v", n, err, want)
	}
	return c
}

func (h *house) watermark() int64 {
	h.t.Helper()
	r, err := h.Room("final")
	if err != nil {
		h.t.Error(err)
	}
	return r.Watermark
}

// pace lets some seconds pass, and complains about each in which the line did not move at the room's pace.
func (h *house) pace(seconds int, when string) {
	h.t.Helper()
	for s := range seconds {
		before := h.watermark()
		time.Sleep(time.Second)
		synctest.Wait()
		if called := h.watermark() - before; called < 8 || called > 15 {
			h.t.Errorf("%s, second %d: %d were called, want 10", when, s, called)
		}
	}
}

// outages are the ways in which a ledger is away.
var outages = map[string]struct {
	err   error
	hangs bool
}{"refusing": {errors.New("connection refused"), false}, "hanging": {nil, true}}

func TestTheLineGoesOnWithoutPostgres(t *testing.T) {
	t.Parallel()
	for name, away := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inHouse(t, final(), func(h *house) {
				for n := range 2000 {
					h.join(n)
				}
				time.Sleep(time.Second)
				h.pace(5, "before")
				h.ledger.set(away.err, away.hangs)
				h.pace(60, "while Postgres is away")
				h.ledger.set(nil, false)
				h.pace(10, "after Postgres came back")
			})
		})
	}
}

// The turn that has lapsed does not come back with the place that is shown, neither to a browser's cookie nor to a program's header.
func TestWhoShowsALapsedPlaceIsLastInTheLine(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity = 2
	inHouse(t, room, func(h *house) {
		for n := range 4 {
			h.join(n)
		}
		time.Sleep(2 * time.Second)
		h.wants(1, nil)
		h.wants(2, waitroom.ErrNotCalled)
		time.Sleep(room.Grace + time.Second)
		lapsed := h.places[0]
		h.wants(0, waitroom.ErrGraceOver)
		if number, first := h.join(0); number != 4 || !first {
			t.Errorf("who shows a lapsed place got number %d, new: %t; want the new number 4", number, first)
		}
		if _, err := h.Enter(h.t.Context(), lapsed); !errors.Is(err, waitroom.ErrPlaceUsed) && !errors.Is(err, waitroom.ErrGraceOver) {
			t.Errorf("the lapsed place beside the new one: %v", err)
		}
		if again, first := h.join(0); again != 4 || first {
			t.Errorf("joining once more gave number %d, new: %t; want the same 4", again, first)
		}
	})
}

// What a poll shows of a turn is what entering would answer, at every gateway: also at one that was restarted, and after a loss.
func TestWhatIsShownOfATurnIsWhatEnteringAnswers(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity = 3
	inHouse(t, room, func(h *house) {
		shows := func(n int, want waitroom.Standing, when string) (before time.Time) {
			t.Helper()
			line, err := h.Poll(h.places[n], 0)
			if err != nil && !errors.Is(err, waitroom.ErrPollTooFast) {
				t.Error(err)
			}
			if line.State != want {
				t.Errorf("%s fan %d is shown %q, want %q", when, n, line.State, want)
			}
			return line.EnterBefore
		}
		for n := range 5 {
			h.join(n)
		}
		called := time.Now()
		time.Sleep(2 * time.Second)
		h.wants(0, nil)
		for range 3 {
			if before := shows(1, waitroom.StandCalled, "within his grace"); before.Sub(called.Add(room.Grace)).Abs() > time.Second {
				t.Errorf("called %s ago he is told to come within %s, the grace is %s", time.Since(called), time.Until(before), room.Grace)
			}
			time.Sleep(room.Grace/4 + time.Second)
		}
		if err := h.order("pause"); err != nil {
			t.Fatal(err)
		}
		h.wants(2, waitroom.ErrRoomFull) // he is here
		h.stop()
		h.begin()
		time.Sleep(time.Second)
		shows(1, waitroom.StandCalled, "at a gateway that has not seen him called")
		time.Sleep(room.Grace / 4)
		if before := shows(1, waitroom.StandExpired, "when his turn has lapsed"); !before.IsZero() {
			t.Errorf("he is told to come before %s", before)
		}
		h.wants(1, waitroom.ErrGraceOver)
		shows(0, waitroom.StandCalled, "inside")
		shows(2, waitroom.StandCalled, "asking while the room is full")
		h.wants(2, waitroom.ErrRoomFull)
		h.line.Lose(finalRun)
		time.Sleep(2 * time.Second)
		shows(2, waitroom.StandCalled, "after a loss")
		time.Sleep(room.Grace)
		shows(2, waitroom.StandExpired, "a grace after the loss")
		shows(0, waitroom.StandCalled, "a grace after the loss, inside")
		h.wants(2, waitroom.ErrGraceOver)
	})
}

func TestAPauseTakesNobodysTurnWhoAsks(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		h.join(0)
		h.join(1)
		time.Sleep(time.Second)
		if err := h.order("pause"); err != nil {
			t.Fatal(err)
		}
		h.join(2)
		for range 20 { // three minutes and more, of two minutes of grace
			time.Sleep(10 * time.Second)
			h.wants(0, waitroom.ErrRoomFull)
		}
		h.wants(2, waitroom.ErrNotCalled)
		if err := h.order("resume"); err != nil {
			t.Fatal(err)
		}
		h.wants(0, nil)
		h.wants(1, waitroom.ErrGraceOver) // who did not ask
	})
}

// Whoever leaves and goes on with his old pass is refused, in whichever way he left, and whatever is lost.
func TestWhoHasLeftDoesNotGoOnWithHisOldPass(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*house, pass.Claims) error{
		"by his pass":         func(h *house, c pass.Claims) error { return h.LeaveSession(h.t.Context(), c) },
		"by his place":        func(h *house, _ pass.Claims) error { return h.Leave(h.t.Context(), h.places[0]) },
		"by the booking core": func(h *house, c pass.Claims) error { return h.Release(h.t.Context(), "final", c.Visitor, c.JTI) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inHouse(t, final(), func(h *house) {
				h.join(0)
				time.Sleep(time.Second)
				c := h.wants(0, nil)
				if err := h.CheckActive(h.t.Context(), c); err != nil {
					t.Errorf("before he leaves: %v", err)
				}
				if err := leave(h, c); err != nil {
					t.Errorf("leaving: %v", err)
				}
				out := func(when string) {
					t.Helper()
					if err := h.CheckActive(h.t.Context(), c); !errors.Is(err, waitroom.ErrSessionOver) {
						t.Errorf("the old pass %s: %v, want ErrSessionOver", when, err)
					}
					if _, _, err := h.Extend(h.t.Context(), c, time.Now().Add(time.Hour)); !errors.Is(err, waitroom.ErrSessionOver) {
						t.Errorf("extending the old pass %s: %v, want ErrSessionOver", when, err)
					}
					h.wants(0, waitroom.ErrPlaceUsed)
				}
				out("at once")
				time.Sleep(5 * time.Second)
				out("when his slot is free")
				h.line.Lose(finalRun)
				out("after the line was lost")
			})
		})
	}
}

// A line that is restored while somebody leaves may have been told that he is inside.
func TestWhoLeavesWhileTheLineIsRestoredIsOut(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		h.join(0)
		time.Sleep(time.Second)
		c := h.wants(0, nil)
		h.ledger.beforeDone = func() {
			h.ledger.beforeDone = nil
			h.line.Lose(finalRun)
			h.ledger.mu.Unlock()
			_ = h.CheckActive(h.t.Context(), c) // another's question restores the line
			h.ledger.mu.Lock()
		}
		if err := h.LeaveSession(h.t.Context(), c); err != nil {
			t.Error(err)
		}
		if err := h.CheckActive(h.t.Context(), c); !errors.Is(err, waitroom.ErrSessionOver) {
			t.Errorf("the old pass: %v, want ErrSessionOver", err)
		}
	})
}

// Who leaves before his own admission is recorded has left: he gets no pass, and his slot is free, whatever is lost.
func TestWhoLeavesWhileHeEntersIsOut(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity = 1
	inHouse(t, room, func(h *house) {
		h.join(0)
		h.join(1)
		time.Sleep(time.Second)
		h.ledger.beforeAdmit = func() {
			h.ledger.beforeAdmit = nil
			h.ledger.mu.Unlock()
			if err := h.Leave(h.t.Context(), h.places[0]); err != nil {
				t.Error(err)
			}
			h.ledger.mu.Lock()
		}
		h.wants(0, waitroom.ErrPlaceUsed)
		h.line.Lose(finalRun)
		time.Sleep(3 * time.Second)
		h.wants(0, waitroom.ErrPlaceUsed)
		h.wants(1, nil)
	})
}

// Who leaves while Postgres is away is told that this is not certain, and is out all the same: though he does not ask again, the gateway dies that knew of
// it, and the line is lost later.
func TestWhoLeavesWithoutPostgresIsOut(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity = 1
	inHouse(t, room, func(h *house) {
		h.join(0)
		h.join(1)
		time.Sleep(time.Second)
		c := h.wants(0, nil)
		h.ledger.set(errors.New("connection refused"), false)
		for range 3 { // the second time his slot is free already
			if err := h.Leave(h.t.Context(), h.places[0]); !errors.Is(err, waitroom.ErrLineUnavailable) {
				t.Errorf("leaving while Postgres is away: %v, want ErrLineUnavailable", err)
			}
			time.Sleep(10 * time.Second)
			if err := h.CheckActive(h.t.Context(), c); !errors.Is(err, waitroom.ErrSessionOver) {
				t.Errorf("the old pass while Postgres is away: %v, want ErrSessionOver", err)
			}
		}
		h.stop()
		h.begin()
		time.Sleep(time.Second)
		h.ledger.set(nil, false)
		time.Sleep(3 * time.Second)
		if w, err := h.line.Watch(h.t.Context(), finalRun); err != nil || w.Ends != 0 {
			t.Errorf("Postgres is back, and %d ends are not noted, %v", w.Ends, err)
		}
		h.line.Lose(finalRun)
		time.Sleep(3 * time.Second)
		if err := h.CheckActive(h.t.Context(), c); !errors.Is(err, waitroom.ErrSessionOver) {
			t.Errorf("the old pass after a loss: %v, want ErrSessionOver", err)
		}
		h.wants(1, nil)
	})
}

// Postgres may be away for longer than a session lasts: who was called and asks to enter keeps his place, and has a session when it is back. Who asks no more
// has none, and his slot is free.
func TestWhoAsksToEnterWithoutPostgresKeepsHisPlace(t *testing.T) {
	t.Parallel()
	for name, away := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			room := final()
			room.Capacity, room.Session = 2, 20*time.Second
			inHouse(t, room, func(h *house) {
				for n := range 3 {
					h.join(n)
				}
				time.Sleep(time.Second)
				h.ledger.set(away.err, away.hangs)
				for n := range 2 {
					h.wants(n, waitroom.ErrLineUnavailable)
				}
				for range 12 {
					h.wants(0, waitroom.ErrLineUnavailable)
					time.Sleep(5 * time.Second)
				}
				h.ledger.set(nil, false)
				if c := h.wants(0, nil); time.Until(c.ExpiresAt) < 10*time.Second {
					t.Errorf("a session of 20 s is over in %v", time.Until(c.ExpiresAt))
				}
				time.Sleep(time.Second)
				h.wants(2, nil) // in the slot of who does not ask any more
			})
		})
	}
}

// A gateway that has not heard of the line yet does not tell somebody that he is next: he shows what he was told when he asks again, and would be told so
// for ever.
func TestAGatewayThatHasHeardNothingMakesNobodyNext(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		for n := range 2000 {
			h.join(n)
		}
		time.Sleep(time.Second)
		heard := h.Keeper
		h.Keeper = h.make()
		if err := h.Read(h.t.Context()); err != nil {
			t.Fatal(err)
		}
		h.join(2000)
		told, err := h.Poll(h.places[2000], 0)
		if err != nil || !told.Degraded {
			t.Errorf("from who has heard nothing: degraded %t, %v", told.Degraded, err)
		}
		if kept, err := h.Poll(h.places[1999], 7); err != nil || kept.Position != 7 {
			t.Errorf("who was told 7 is told %d, %v", kept.Position, err)
		}
		time.Sleep(time.Second)
		h.Keeper = heard
		now, err := h.Poll(h.places[2000], told.Position)
		if ahead := 2000 - h.watermark(); err != nil || now.Position != ahead+1 {
			t.Errorf("%d are ahead, and he is told %d after %d, %v", ahead, now.Position, told.Position, err)
		}
	})
}

// What neither the line nor the ledger can keep is not said to be done.
func TestWhoLeavesWithoutLineAndPostgresIsToldSo(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		h.join(0)
		time.Sleep(time.Second)
		c := h.wants(0, nil)
		h.ledger.set(errors.New("connection refused"), false)
		h.line.Lose(finalRun)
		for name, err := range map[string]error{
			"by his place": h.Leave(h.t.Context(), h.places[0]), "by his pass": h.LeaveSession(h.t.Context(), c),
			"by the booking core": h.Release(h.t.Context(), "final", c.Visitor, c.JTI),
		} {
			if !errors.Is(err, waitroom.ErrLineUnavailable) {
				t.Errorf("leaving %s: %v, want ErrLineUnavailable", name, err)
			}
		}
	})
}

// Somebody enters a line that a slow gateway has restored from what it knew before others entered: he is not let in, and the line is mended.
func TestALineThatWasRestoredTooLateLetsNobodyIn(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity = 1
	inHouse(t, room, func(h *house) {
		ctx := h.t.Context()
		h.ledger.unfence() // only admissions are refused
		h.join(0)
		h.join(1)
		time.Sleep(time.Second)
		slow, err := h.ledger.Recover(ctx, finalRun, 2, 1000) // and stalls
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		h.line.Lose(finalRun)
		time.Sleep(1100 * time.Millisecond) // another gateway restores the line
		h.wants(0, nil)
		synctest.Wait()
		h.line.Lose(finalRun)
		if err := h.line.Restore(ctx, finalRun, slow); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		h.wants(1, waitroom.ErrLineUnavailable)
		h.wants(1, waitroom.ErrRoomFull) // the line is mended, and knows who is inside
		if err := h.CheckActive(ctx, h.wants(0, nil)); err != nil {
			t.Errorf("who is inside: %v", err)
		}
	})
}

// restoredLate has a line restored by a slow gateway, in an incarnation that another has recovered since, with a block of 1,000 numbers. It returns the first
// number of the newer incarnation, which the fan has got.
func (h *house) restoredLate(fan int) (newer int64) {
	h.t.Helper()
	slow, err := h.ledger.Recover(h.t.Context(), finalRun, 0, 1000) // and stalls
	if err != nil {
		h.t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	h.line.Lose(finalRun)
	time.Sleep(1100 * time.Millisecond) // another gateway restores the line
	newer, _ = h.join(fan)
	time.Sleep(2 * time.Second)
	h.line.Lose(finalRun)
	if err := h.line.Restore(h.t.Context(), finalRun, slow); err != nil {
		h.t.Fatal(err)
	}
	return newer
}

// A line that was restored too late is found out though nobody enters it.
func TestALineThatWasRestoredTooLateIsFoundOut(t *testing.T) {
	t.Parallel()
	for _, fenced := range []bool{true, false} {
		inHouse(t, final(), func(h *house) {
			if !fenced {
				h.ledger.unfence()
			}
			h.restoredLate(0)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			w, err := h.line.Watch(h.t.Context(), finalRun)
			if newest := h.ledger.recoveries(); err != nil || (w.Incarnation == newest) != fenced {
				t.Errorf("fenced: %t: the line is of incarnation %d, %v; the ledger is at %d", fenced, w.Incarnation, err, newest)
			}
		})
	}
}

// What follows the block of a line that was restored too late belongs to a newer one.
func TestALineThatWasRestoredTooLateGivesNoNumberTwice(t *testing.T) {
	t.Parallel()
	for fenced, want := range map[bool]int{true: 0, false: 1} {
		inHouse(t, final(), func(h *house) {
			if !fenced {
				h.ledger.unfence()
			}
			taken, twice := h.restoredLate(0), 0
			for n := 1; n <= 1001; n++ { // before any gateway has taken its next turn
				if number, _ := h.join(n); number == taken {
					twice++
				}
			}
			if twice != want {
				t.Errorf("fenced: %t: number %d was given out again %d times, want %d", fenced, taken, twice, want)
			}
		})
	}
}

// After two losses everybody keeps his number, and is told how many are really ahead of him.
func TestPositionsAreRightAfterTwoLosses(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity, room.CallsPerMinute = 1, 6 // so slow that the ceiling is two numbers ahead
	inHouse(t, room, func(h *house) {
		position := func(n int) int64 {
			line, err := h.Poll(h.places[n], 0)
			if err != nil && !errors.Is(err, waitroom.ErrPollTooFast) {
				t.Error(err)
			}
			return line.Position
		}
		for n := range 10 {
			h.join(n)
		}
		time.Sleep(12 * time.Second)
		h.wants(0, nil)
		for loss := range 2 {
			h.line.Lose(finalRun)
			time.Sleep(3 * time.Second)
			for n := range 10 {
				h.join(10*(loss+1) + n)
			}
			time.Sleep(3 * time.Second)
		}
		called := int(h.watermark())
		if called > 9 {
			t.Fatalf("%d were called: nobody waits before the holes", called)
		}
		for n := called; n < 30; n++ {
			if got, want := position(n), int64(n-called)+1; got != want {
				t.Errorf("the position of fan %d is %d, want %d", n, got, want)
			}
		}
		r, err := h.Room("final")
		if err != nil || r.Waiting != 30-called {
			t.Errorf("%d wait, %v; want %d", r.Waiting, err, 30-called)
		}
	})
}

// Whoever joins is told how many are ahead, also of those who have joined since the gateway looked at the line: a position never rises, and he would be
// shown the smaller one until his turn.
func TestWhoJoinsInACrowdIsToldHowManyAreAhead(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		for n := range 100 {
			line, _, err := h.Join(h.t.Context(), "final", fan(n), nil)
			if err != nil || line.Position != int64(n)+1 {
				t.Errorf("fan %d is told position %d, %v", n, line.Position, err)
			}
		}
	})
}

// All gateways and the line are lost at once, again and again: what was called stays called, though nobody but the ledger remembers.
func TestNobodyIsUncalledThoughEveryGatewayIsLostWithTheLine(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		for n := range 1000 {
			h.join(n)
		}
		for range 5 {
			time.Sleep(1700 * time.Millisecond) // to no particular moment
			w, err := h.line.Watch(h.t.Context(), finalRun)
			if err != nil {
				t.Error(err)
			}
			h.stop()
			h.line.Lose(finalRun)
			h.begin()
			time.Sleep(2 * time.Second)
			if now := h.watermark(); now < w.Watermark || w.Watermark == 0 {
				t.Errorf("the watermark was %d, and is %d", w.Watermark, now)
			}
		}
	})
}

// A loss leaves a hole of hundreds of thousands of numbers. Who comes after it is called as if it were not there, and it counts for nobody's pace.
func TestNobodyWaitsForAHole(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		h.join(0)
		time.Sleep(time.Second)
		h.wants(0, nil)
		h.line.Lose(finalRun)
		time.Sleep(3 * time.Second)
		h.join(1)
		if n := h.places[1].Number; n < 1000 {
			t.Fatalf("number %d does not lie behind a hole", n)
		}
		time.Sleep(3 * time.Second)
		h.wants(1, nil)
		room, err := h.Room("final")
		if err != nil || room.Pace > 600 {
			t.Errorf("two were called, and the pace is %v a minute, %v", room.Pace, err)
		}
	})
}

// A store that answers and refuses to write is not restored again and again: each time a block of numbers would be spent.
func TestALineThatCannotBeWrittenSpendsNoNumbers(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		h.join(0)
		time.Sleep(2 * time.Second)
		before := h.ledger.recoveries()
		h.line.refuses.Store(true)
		h.line.Lose(finalRun)
		time.Sleep(time.Minute)
		if n := h.ledger.recoveries(); n != before {
			t.Errorf("a line that cannot be written was recovered %d times", n-before)
		}
		h.line.refuses.Store(false)
		time.Sleep(3 * time.Second)
		if n := h.ledger.recoveries(); n != before+1 {
			t.Errorf("when it can be written again it was recovered %d times", n-before)
		}
		h.wants(0, nil)
	})
}

// The line of a room that has ended is called no more, and so it ends by itself; what it has forgotten then is not brought back, unless somebody is asked
// about who was inside. That of a room that is only paused goes on.
func TestTheLineOfARoomThatHasEndedIsLeftAlone(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		calls := func() int64 {
			before := h.line.calls.Load()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			return h.line.calls.Load() - before
		}
		h.join(0)
		time.Sleep(time.Second)
		c := h.wants(0, nil)
		order := func(what string) {
			if err := h.order(what); err != nil {
				t.Error(err)
			}
		}
		order("pause")
		if n := calls(); n < 30 {
			t.Errorf("the line of a paused room was called %d times in ten seconds", n)
		}
		order("end")
		time.Sleep(time.Second)
		if n := calls(); n != 0 {
			t.Errorf("the line of a room that has ended was called %d times in ten seconds", n)
		}
		if s, err := h.Stats("final"); err != nil || s.Frozen {
			t.Errorf("the line of a room that has ended: %+v, %v", s, err)
		}
		before := h.ledger.recoveries()
		h.line.Lose(finalRun)
		h.stop()
		h.begin()
		time.Sleep(10 * time.Second)
		if n := h.ledger.recoveries(); n != before {
			t.Errorf("the line of a room that has ended was restored %d times", n-before)
		}
		if err := h.Ready(); err != nil {
			t.Error(err)
		}
		if err := h.CheckActive(h.t.Context(), c); err != nil {
			t.Errorf("who was inside when the room ended: %v", err)
		}
	})
}
