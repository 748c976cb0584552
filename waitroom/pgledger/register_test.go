package pgledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/testenv"
	"usher/waitroom"
)

var somebody = waitroom.By{Who: "token-1a2b3c4d", Request: "r1", Address: "192.0.2.7"}

// rulesOf are rules that hold what rooms must hold.
func rulesOf(room string) waitroom.Rules {
	r := waitroom.DefaultRules(room)
	r.Method, r.Capacity, r.CallsPerMinute = waitroom.FIFO, 10, 60
	return r
}

// edited is a change of a room that is there, or makes one.
func edited(action, room string, edit func(*waitroom.Room)) waitroom.Change {
	return waitroom.Change{By: somebody, Action: action, Room: room, To: func(now *waitroom.Room) (waitroom.Room, error) {
		next := waitroom.Room{Rules: rulesOf(room), State: waitroom.Open, Run: "first"}
		if now != nil {
			next = *now
		}
		edit(&next)
		return next, nil
	}}
}

func change1(t *testing.T, l *Ledger, action, room string, edit func(*waitroom.Room)) waitroom.Room {
	t.Helper()
	r, err := l.Change(t.Context(), edited(action, room, edit))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are the lines of the log in short, the oldest first.
func lines(t *testing.T, l *Ledger) (out []string) {
	t.Helper()
	entries, err := l.AuditLog(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(entries) {
		out = append(out, e.Who+" "+e.Action+" "+e.Room)
	}
	return out
}

func TestEveryChangeOfARoomIsWrittenDownWithItself(t *testing.T) {
	t.Parallel()
	l := open(t)
	made := change1(t, l, "put", "final", func(*waitroom.Room) {})
	changed := change1(t, l, "patch", "final", func(r *waitroom.Room) { r.Capacity = 20 })
	same := change1(t, l, "patch", "final", func(r *waitroom.Room) { r.Capacity = 20 })
	if made.Version != 1 || changed.Version != 2 || same.Version != 2 || changed.Capacity != 20 {
		t.Errorf("versions %d, %d, %d; capacity %d", made.Version, changed.Version, same.Version, changed.Capacity)
	}
	entries, err := l.AuditLog(t.Context(), 0, 10)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d lines, %v", len(entries), err)
	}
	e := entries[0]
	var before, after struct {
		State    waitroom.State
		Run      string
		Capacity int
	}
	if err := errors.Join(json.Unmarshal(e.Before, &before), json.Unmarshal(e.After, &after)); err != nil {
		t.Fatal(err)
	}
	if e.By != somebody || e.Action != "patch" || e.Room != "final" || time.Since(e.At) > time.Minute || before.Capacity != 10 || after.Capacity != 20 ||
		after.State != waitroom.Open || after.Run != "first" {
		t.Errorf("the line says %+v: %s → %s", e, e.Before, e.After)
	}
	if first := entries[1]; len(first.Before) > 0 || first.ID >= e.ID {
		t.Errorf("the first line says %+v", first)
	}
	if page, err := l.AuditLog(t.Context(), e.ID, 10); err != nil || len(page) != 1 || page[0].ID != entries[1].ID {
		t.Errorf("older than the newest: %+v, %v", page, err)
	}

	// A change that is refused leaves neither itself nor a line.
	refused := errors.New("refused")
	if _, err := l.Change(t.Context(), waitroom.Change{By: somebody, Action: "patch", Room: "final", To: func(*waitroom.Room) (waitroom.Room, error) {
		return waitroom.Room{}, refused
	}}); !errors.Is(err, refused) {
		t.Errorf("a refused change: %v", err)
	}
	// Nor does one whose line cannot be written.
	exec(t, l, "ALTER TABLE room_audit ADD CONSTRAINT nothing_more CHECK (action <> 'pause')")
	if _, err := l.Change(t.Context(), edited("pause", "final", func(r *waitroom.Room) { r.State = waitroom.Paused })); err == nil {
		t.Error("a change without its line is made")
	}
	rooms, err := l.Rooms(t.Context())
	if err != nil || len(rooms) != 1 || rooms[0].State != waitroom.Open || rooms[0].Version != 2 {
		t.Errorf("after that: %+v, %v", rooms, err)
	}
}

// Two operators who change a room at once lose nothing: each sees what the other has done.
func TestChangesOfRoomsComeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	l := open(t)
	change1(t, l, "put", "final", func(r *waitroom.Room) { r.Capacity = 1 })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := l.Change(t.Context(), edited("patch", "final", func(r *waitroom.Room) { r.Capacity++ }))
			for away := new(pgconn.PgError); errors.As(err, &away) && away.Code == "55P03"; { // nineteen are before him, and nobody waits for longer than a second: he asks again
				_, err = l.Change(t.Context(), edited("patch", "final", func(r *waitroom.Room) { r.Capacity++ }))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	rooms, err := l.Rooms(t.Context())
	if err != nil || rooms[0].Capacity != 21 || rooms[0].Version != 21 || len(lines(t, l)) != 21 {
		t.Errorf("%+v, %v", rooms, err)
	}
}

func TestAnEventMovesFromRoomToRoom(t *testing.T) {
	t.Parallel()
	store := pgtest.Open(t, 8)
	l := New(store.Pool())
	testenv.Running(t, l.Run)
	one, other := pgtest.Event(t, store, 20), pgtest.Event(t, store, 20)
	change1(t, l, "put", "first", func(r *waitroom.Room) { r.SetEvents([]id.Event{other, one, one}) })
	if _, err := l.Change(t.Context(), edited("put", "second", func(r *waitroom.Room) { r.SetEvents([]id.Event{one, 999}) })); !errors.As(err, new(*waitroom.RulesError)) ||
		!strings.Contains(err.Error(), id.Event(999).String()) {
		t.Errorf("with an event that is not there: %v", err)
	}
	change1(t, l, "put", "second", func(r *waitroom.Room) { r.SetEvents([]id.Event{one}) })
	rooms, err := l.Rooms(t.Context())
	if err != nil || len(rooms) != 2 {
		t.Fatalf("%d rooms, %v", len(rooms), err)
	}
	if a, b := rooms[0], rooms[1]; !slices.Equal(a.Events, []id.Event{other}) || !slices.Equal(b.Events, []id.Event{one}) || len(a.EventKeys) != 1 || a.Version != 2 ||
		b.Former[one].Room != "first" || time.Since(b.Former[one].Until) > time.Minute || len(a.Former) > 0 {
		t.Errorf("after the move: %+v and %+v", a, b)
	}
	// What changes the old room does not take it back.
	change1(t, l, "patch", "first", func(r *waitroom.Room) { r.Capacity = 33 })
	if rooms, err = l.Rooms(t.Context()); err != nil || !slices.Equal(rooms[1].Events, []id.Event{one}) {
		t.Errorf("the event is taken back: %+v, %v", rooms, err)
	}
	want := []string{"token-1a2b3c4d put first", "token-1a2b3c4d take first", "token-1a2b3c4d put second", "token-1a2b3c4d patch first"}
	if got := lines(t, l); !slices.Equal(got, want) {
		t.Errorf("the log says %q, want %q", got, want)
	}
}

// A rooms file is an order of its own when it changes, and none when a gateway starts with what was loaded before: what an operator has changed stays.
func TestARoomsFileCountsWhenItChanges(t *testing.T) {
	t.Parallel()
	l := open(t)
	by := waitroom.By{Who: waitroom.ByFile}
	load := func(capacity int) {
		t.Helper()
		r := rulesOf("final")
		r.Capacity = capacity
		if err := l.Load(t.Context(), []waitroom.Rules{r}, by); err != nil {
			t.Fatal(err)
		}
	}
	has := func(capacity, changes int) {
		t.Helper()
		rooms, err := l.Rooms(t.Context())
		if err != nil || len(rooms) != 1 || rooms[0].Capacity != capacity || len(lines(t, l)) != changes {
			t.Errorf("%+v, %v after %q; want capacity %d", rooms, err, lines(t, l), capacity)
		}
	}
	load(10)
	has(10, 1)
	change1(t, l, "patch", "final", func(r *waitroom.Room) { r.Capacity, r.State = 15, waitroom.Paused })
	load(10)
	has(15, 2)
	load(15) // what the operator has done is now in the file
	has(15, 2)
	load(20)
	has(20, 3)
	rooms, err := l.Rooms(t.Context())
	if err != nil || rooms[0].State != waitroom.Paused {
		t.Errorf("the state after that is %q, %v", rooms[0].State, err)
	}
	bad := rulesOf("other")
	bad.EventKeys = []string{"nothing"}
	if err := l.Load(t.Context(), []waitroom.Rules{rulesOf("third"), bad}, by); !errors.As(err, new(*waitroom.RulesError)) || !strings.Contains(err.Error(), "import it first") {
		t.Errorf("with an event that is not there: %v", err)
	}
	has(20, 3)
}

// The schedule opens a room once, however many gateways see that it is time, and says so in the log.
func TestTheScheduleOpensARoomOnce(t *testing.T) {
	t.Parallel()
	l := open(t)
	change1(t, l, "put", "final", func(r *waitroom.Room) { r.State = waitroom.Scheduled })
	opened := make(chan error, 5)
	for range cap(opened) {
		go func() { opened <- l.SetState(t.Context(), "final", waitroom.Scheduled, waitroom.Open) }()
	}
	times := 0
	for range cap(opened) {
		if err := <-opened; err == nil {
			times++
		} else if !errors.Is(err, waitroom.ErrInvalidTransition) {
			t.Error(err)
		}
	}
	if got := lines(t, l); times != 1 || got[len(got)-1] != "schedule open final" || len(got) != 2 {
		t.Errorf("opened %d times; the log says %q", times, got)
	}
}

func TestThereAreOnlySoManyRooms(t *testing.T) {
	t.Parallel()
	l := open(t)
	change1(t, l, "put", "final", func(*waitroom.Room) {})
	exec(t, l, "INSERT INTO rooms (room, rules, state, run) SELECT 'room-' || n, rules, state, run FROM rooms, generate_series(2, $1) n", maxRooms)
	if _, err := l.Change(t.Context(), edited("put", "one-more", func(*waitroom.Room) {})); !errors.As(err, new(*waitroom.RulesError)) {
		t.Errorf("one more: %v", err)
	}
	change1(t, l, "patch", "final", func(r *waitroom.Room) { r.Capacity = 11 })
}

// The log does not grow for ever: what is too old or too much leaves, a hundred lines with each that comes.
func TestTheLogIsBounded(t *testing.T) {
	t.Parallel()
	l := open(t)
	change1(t, l, "put", "final", func(*waitroom.Room) {})
	exec(t, l, "INSERT INTO room_audit (at, who, action, room, after) SELECT now() - interval '401 days', 'old', 'put', 'final', '{}' FROM generate_series(1, 150)")
	for left, n := range []int{52, 3} {
		change1(t, l, "patch", "final", func(r *waitroom.Room) { r.Capacity = 20 + left })
		if got := len(lines(t, l)); got != n {
			t.Errorf("%d lines after %d changes, want %d", got, left+1, n)
		}
	}
	exec(t, l, fmt.Sprintf("ALTER TABLE room_audit ALTER COLUMN id RESTART WITH %d", auditLines+1000))
	change1(t, l, "patch", "final", func(r *waitroom.Room) { r.Capacity = 30 })
	if got := lines(t, l); len(got) != 1 {
		t.Errorf("%d lines, of which only one is among the newest", len(got))
	}
}

// Who reads rooms does not wait for who changes one.
func TestRoomsAreReadWhileOneIsChanged(t *testing.T) {
	t.Parallel()
	l := open(t)
	change1(t, l, "put", "final", func(*waitroom.Room) {})
	_, err := l.Change(t.Context(), edited("patch", "final", func(r *waitroom.Room) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if rooms, err := l.Rooms(ctx); err != nil || len(rooms) != 1 {
			t.Errorf("%d rooms, %v", len(rooms), err)
		}
		r.Capacity = 12
	}))
	if err != nil {
		t.Error(err)
	}
}
