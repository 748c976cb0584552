package waitroom_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/memline"
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
	line   *memline.Line
	ledger *ledger
	places map[int]waitroom.Place // by fan
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
		h := &house{t: t, line: memline.New(time.Now), ledger: newLedger(room), places: map[int]waitroom.Place{}}
		h.Keeper = waitroom.NewKeeper(h.line, h.ledger, sealer, pass.New(signing, "https://usher.example", time.Now), slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		if err := h.Ready(); err != nil {
			t.Errorf("a second after it began: %v", err)
		}
		test(h)
		stop()
		if err := <-done; err != nil {
			t.Errorf("the keeper ends with %v", err)
		}
	})
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

func TestTheLineGoesOnWithoutPostgres(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]struct {
		err   error
		hangs bool
	}{"refusing": {errors.New("connection refused"), false}, "hanging": {nil, true}} {
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
