// Package hold keeps the seat map of each event in Redis: which seats are free, and who holds them until when. One
// structure per event, under one hash tag, carries both, and one script decides each call. It makes losing cheap;
// what it says is a courtesy, never the truth about who owns a seat.
//
//	usher:{event}:meta    hash    run id of the Redis that it was loaded into, version, load under way
//	usher:{event}:map     string  4 bytes a seat: state, and the 24 low bits of the ticket's version
//	usher:{event}:holds   hash    seat → owner (16 bytes) and expiry (ms)
//	usher:{event}:owners  hash    owner → first hold, expiry, seats: one clock for all his holds
//
// A map that is missing, or that was loaded into another Redis, answers ErrLost until it is loaded from Postgres again.
// All times are those of Redis; key expiry only cleans up.
package hold

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/redis/go-redis/v9"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/redisdb"
)

var (
	//go:embed hold.lua
	holdLua string
	//go:embed mine.lua
	mineLua string
	//go:embed release.lua
	releaseLua string
	//go:embed extend.lua
	extendLua string
	//go:embed checkout.lua
	checkoutLua string
	//go:embed apply.lua
	applyLua string
	//go:embed begin_load.lua
	beginLoadLua string
	//go:embed finish_load.lua
	finishLoadLua string
	//go:embed restore.lua
	restoreLua string
	//go:embed snapshot.lua
	snapshotLua string
)

// Answers that are not faults.
var (
	ErrLost      = errors.New("the event's seat map is not loaded")
	ErrNone      = errors.New("nothing is held")
	ErrLoading   = errors.New("another process is loading the map")
	ErrCalledOff = errors.New("a change was committed while the map was being loaded")
)

// TakenError says which seats are somebody else's or sold.
type TakenError struct{ Seats []int }

func (e *TakenError) Error() string { return fmt.Sprintf("%d seats are taken", len(e.Seats)) }

// MissingError says which seats the visitor does not hold (any more).
type MissingError struct{ Seats []int }

func (e *MissingError) Error() string { return fmt.Sprintf("%d seats are not held", len(e.Seats)) }

// Config sets the rules of holding.
type Config struct {
	For   time.Duration // how long the first hold lasts; the others share its clock
	Cap   time.Duration // how long with all extensions
	Limit int           // seats a visitor and event
}

// daysKept bounds how long a map that nobody loads again stays in Redis.
const daysKept = 60

var (
	grantedTotal = metrics.NewCounter(`usher_hold_calls_total{result="granted"}`)
	takenTotal   = metrics.NewCounter(`usher_hold_calls_total{result="taken"}`)
	lostTotal    = metrics.NewCounter(`usher_hold_calls_total{result="lost"}`)
	loadsTotal   = metrics.NewCounter("usher_hold_loads_total")
)

// Store is the seat maps of one Redis.
type Store struct {
	Config
	rdb     *redisdb.Client
	scripts struct {
		hold, mine, release, extend, checkout, apply, beginLoad, finishLoad, restore, snapshot *redis.Script
	}
}

// New returns a store.
func New(rdb *redisdb.Client, c Config) *Store {
	s := &Store{Config: c, rdb: rdb}
	s.scripts.hold, s.scripts.mine, s.scripts.release = redis.NewScript(holdLua), redis.NewScript(mineLua), redis.NewScript(releaseLua)
	s.scripts.extend, s.scripts.checkout, s.scripts.apply = redis.NewScript(extendLua), redis.NewScript(checkoutLua), redis.NewScript(applyLua)
	s.scripts.beginLoad, s.scripts.finishLoad = redis.NewScript(beginLoadLua), redis.NewScript(finishLoadLua)
	s.scripts.restore, s.scripts.snapshot = redis.NewScript(restoreLua), redis.NewScript(snapshotLua)
	return s
}

func metaKey(e id.Event) string   { return "usher:{" + e.String() + "}:meta" }
func mapKey(e id.Event) string    { return "usher:{" + e.String() + "}:map" }
func holdsKey(e id.Event) string  { return "usher:{" + e.String() + "}:holds" }
func ownersKey(e id.Event) string { return "usher:{" + e.String() + "}:owners" }

func keys(e id.Event) []string { return []string{metaKey(e), mapKey(e), holdsKey(e), ownersKey(e)} }

// run calls a script and returns its answer behind the first word. LOST becomes ErrLost; a fault booking.ErrStoreUnavailable.
func (s *Store) run(ctx context.Context, script *redis.Script, e id.Event, args ...any) (word string, rest []any, err error) {
	run := s.rdb.RunID()
	if run == "" { // no connection yet
		if err := s.rdb.Ping(ctx).Err(); err != nil {
			return "", nil, fmt.Errorf("%w: redis: %w", booking.ErrStoreUnavailable, err)
		}
		run = s.rdb.RunID()
	}
	answer, err := script.Run(ctx, s.rdb, keys(e), append([]any{run}, args...)...).Slice()
	if err != nil {
		return "", nil, fmt.Errorf("%w: redis: %w", booking.ErrStoreUnavailable, err)
	}
	word, _ = answer[0].(string)
	if word == "LOST" {
		lostTotal.Inc()
		return word, nil, ErrLost
	}
	return word, answer[1:], nil
}

// Hold claims seats for the visitor, all or none, and returns when his holds on the event run out; fresh is false when all were his
// already. *TakenError, *booking.HoldLimitError, booking.ErrTicketNotFound, ErrLost.
func (s *Store) Hold(ctx context.Context, e id.Event, owner id.Visitor, seats []int) (expires time.Time, fresh bool, err error) {
	strangers := 1
	if guard.Off(guard.HoldOwner) {
		strangers = 0
	}
	args := append([]any{owner[:], s.For.Milliseconds(), s.Limit, strangers}, anys(seats)...)
	word, rest, err := s.run(ctx, s.scripts.hold, e, args...)
	switch {
	case err != nil:
		return expires, false, err
	case word == "TAKEN":
		takenTotal.Inc()
		return expires, false, &TakenError{Seats: ints(rest)}
	case word == "LIMIT":
		return expires, false, &booking.HoldLimitError{Limit: s.Limit}
	case word == "NOSEAT":
		return expires, false, booking.ErrTicketNotFound
	}
	grantedTotal.Inc()
	got := ints(rest)
	return moment(got[0]), got[1] == 1, nil
}

// Mine returns the seats that the visitor holds and has not booked, in seat order, and when they run out.
func (s *Store) Mine(ctx context.Context, e id.Event, owner id.Visitor) (seats []int, expires time.Time, err error) {
	_, rest, err := s.run(ctx, s.scripts.mine, e, owner[:])
	if err != nil {
		return nil, expires, err
	}
	got := ints(rest)
	if seats = got[2:]; len(seats) == 0 {
		return nil, expires, nil
	}
	slices.Sort(seats)
	return slices.Compact(seats), moment(got[0]), nil
}

// Release gives seats back and returns those that were the visitor's.
func (s *Store) Release(ctx context.Context, e id.Event, owner id.Visitor, seats []int) ([]int, error) {
	_, rest, err := s.run(ctx, s.scripts.release, e, append([]any{owner[:]}, anys(seats)...)...)
	return ints(rest), err
}

// Extend moves the clock of the visitor's holds. booking.ErrHoldCapReached, ErrNone.
func (s *Store) Extend(ctx context.Context, e id.Event, owner id.Visitor, seats []int) (expires time.Time, err error) {
	args := append([]any{owner[:], s.For.Milliseconds(), s.Cap.Milliseconds()}, anys(seats)...)
	word, rest, err := s.run(ctx, s.scripts.extend, e, args...)
	switch {
	case err != nil:
		return expires, err
	case word == "CAP":
		return expires, booking.ErrHoldCapReached
	case word == "NONE":
		return expires, ErrNone
	}
	return moment(ints(rest)[0]), nil
}

// Checkout makes sure that the visitor holds all seats and keeps them for him until the given time. *MissingError.
func (s *Store) Checkout(ctx context.Context, e id.Event, owner id.Visitor, seats []int, until time.Time) error {
	word, rest, err := s.run(ctx, s.scripts.checkout, e, append([]any{owner[:], until.UnixMilli()}, anys(seats)...)...)
	if err == nil && word == "MISSING" {
		return &MissingError{Seats: ints(rest)}
	}
	return err
}

// Apply brings committed changes to the maps. Events whose map is not loaded need nothing: they will be loaded from the truth.
func (s *Store) Apply(ctx context.Context, events []event.Event) error {
	for _, e := range events {
		var args []any
		for _, c := range e.Seats {
			args = append(args, c.Seat, c.Version, int(c.State))
		}
		if len(args) == 0 {
			continue
		}
		if _, _, err := s.run(ctx, s.scripts.apply, e.Event, args...); err != nil && !errors.Is(err, ErrLost) {
			return err
		}
	}
	return nil
}

// Held is a visitor's hold of a seat.
type Held struct {
	Seat    int
	Owner   id.Visitor
	Expires time.Time
}

// Restore brings holds to the map that Postgres has and the map has not.
func (s *Store) Restore(ctx context.Context, e id.Event, holds []Held) error {
	_, _, err := s.run(ctx, s.scripts.restore, e, triples(holds)...)
	return err
}

// Load fills an event's map. read reads the seats and live holds from Postgres; it is called after the load has been announced,
// so that a commit in between calls the load off. ErrLoading, ErrCalledOff: try again.
func (s *Store) Load(ctx context.Context, e id.Event, read func(context.Context) ([]Seat, []Held, error)) error {
	token := id.NewKey().String()
	word, _, err := s.run(ctx, s.scripts.beginLoad, e, token)
	switch {
	case err != nil || word == "LOADED":
		return err
	case word == "BUSY":
		return ErrLoading
	}
	seats, holds, err := read(ctx)
	if err != nil {
		return err
	}
	packed := make([]byte, 0, 4*len(seats))
	for _, seat := range seats {
		packed = append(packed, byte(seat.State), byte(seat.Version>>16), byte(seat.Version>>8), byte(seat.Version))
	}
	args := append([]any{token, packed, s.For.Milliseconds(), daysKept}, triples(holds)...)
	word, _, err = s.run(ctx, s.scripts.finishLoad, e, args...)
	if err == nil && word == "AGAIN" {
		return ErrCalledOff
	}
	loadsTotal.Inc()
	return err
}

// Seat is a seat as the map keeps it.
type Seat struct {
	State   booking.SeatState
	Version int
}

// Snapshot is an event's map at one instant.
type Snapshot struct {
	Version int64 // rises with every change, also over a loss of Redis
	Now     time.Time
	States  []booking.SeatState
	Holds   map[int]Held // live ones, on free seats
	Same    bool         // the caller's version is current: States and Holds are empty
}

// Snapshot reads an event's map; when the caller's version is current, only that is said.
func (s *Store) Snapshot(ctx context.Context, e id.Event, have int64) (snap Snapshot, err error) {
	word, rest, err := s.run(ctx, s.scripts.snapshot, e, strconv.FormatInt(have, 10))
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
	packed, _ := rest[2].(string)
	snap.States = make([]booking.SeatState, len(packed)/4)
	for i := range snap.States {
		snap.States[i] = booking.SeatState(packed[4*i])
	}
	pairs, _ := rest[3].([]any)
	snap.Holds = make(map[int]Held, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if h, ok := parseHeld(pairs[i], pairs[i+1]); ok && h.Seat < len(snap.States) && snap.States[h.Seat] == booking.SeatFree && h.Expires.After(snap.Now) {
			snap.Holds[h.Seat] = h
		}
	}
	return snap, nil
}

func parseHeld(field, value any) (h Held, ok bool) {
	f, _ := field.(string)
	v, _ := value.(string)
	seat, err := strconv.Atoi(f)
	if err != nil || len(v) < 17 {
		return h, false
	}
	ms, err := strconv.ParseInt(v[16:], 10, 64)
	copy(h.Owner[:], v)
	h.Seat, h.Expires = seat, time.UnixMilli(ms).UTC()
	return h, err == nil
}

func triples(holds []Held) []any {
	args := make([]any, 0, 3*len(holds))
	for _, h := range holds {
		args = append(args, h.Seat, h.Owner[:], h.Expires.UnixMilli())
	}
	return args
}

func anys(seats []int) []any {
	out := make([]any, len(seats))
	for i, s := range seats {
		out[i] = s
	}
	return out
}

// ints reads numbers that a script returned: integers, or the text of arguments that it passed on.
func ints(values []any) []int {
	out := make([]int, 0, len(values))
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			out = append(out, int(v))
		case string:
			n, _ := strconv.Atoi(v)
			out = append(out, n)
		}
	}
	return out
}

func moment(ms int) time.Time { return time.UnixMilli(int64(ms)).UTC() }
