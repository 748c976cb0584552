package waitroom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/id"
)

var (
	changesTotal = metrics.NewCounter("usher_room_changes_total")
	refusedTotal = metrics.NewCounter("usher_room_changes_refused_total")
)

// ErrStale says that a room is not the one that a change was made for.
var ErrStale = errors.New("the room is not as you have read it: read it again")

// ErrBadCursor says that a page of the audit log does not begin there.
var ErrBadCursor = errors.New("the cursor is not one of ours")

// By says who changes a room.
type By struct {
	Who     string // the fingerprint of an admin token, ByFile or BySchedule
	Request string // its id; "" when no request asked
	Address string // of the client; "" likewise
}

// Who changes rooms when nobody asks.
const (
	ByFile     = "rooms-file" // at the start of a gateway
	BySchedule = "schedule"   // when the time to open has come
)

// Change is what somebody wants of one room.
type Change struct {
	By
	Action string // open, pause, resume, drain, end, put, patch, load
	Room   string
	// To is given the room as it is, nil when there is none, and returns what it shall be: its Rules but for EventKeys, its State and Run, and its
	// Events. It may be asked again, and has no side effect.
	To func(now *Room) (Room, error)
}

// Entry is one line of the audit log.
type Entry struct {
	ID int64 // rises with time
	At time.Time
	By
	Action string // as of a Change, or take: the event of a room was given to another
	Room   string
	Before json.RawMessage // a Record; empty when the room was made
	After  json.RawMessage
}

// Register is where rooms are changed: in Postgres.
type Register interface {
	// Change changes a room, or makes it, and writes the line of the audit log in the same step; what changes nothing leaves no line. Changes of
	// rooms come one after the other. An event that another room guards moves. RulesError for events that do not exist, and what To returns.
	Change(ctx context.Context, c Change) (Room, error)
	// Load stores the rules of a rooms file, all or none. A room that exists keeps its state and run; its rules change only where the file is not what it was when
	// it was loaded last. RulesError.
	Load(ctx context.Context, rules []Rules, by By) error
	// AuditLog returns lines of the log, the newest first, older than one (0: from the newest).
	AuditLog(ctx context.Context, before int64, limit int) ([]Entry, error)
}

// Office is where operators change rooms. What it has done its own gateway knows at once, and every other within a second.
type Office struct {
	keeper   *Keeper
	register Register
	log      *slog.Logger
}

// NewOffice returns the office of a keeper's rooms.
func NewOffice(k *Keeper, r Register, log *slog.Logger) *Office { return &Office{k, r, log} }

// Load brings the rooms of a file into the register.
func (o *Office) Load(ctx context.Context, file []byte) error {
	rules, err := ParseRooms(file)
	if err != nil {
		return err
	}
	return o.register.Load(ctx, rules, By{Who: ByFile})
}

// Match says of which version of a room somebody speaks. The zero Match fits any.
type Match struct {
	Versions []int64 // one of these
	Exists   bool    // there is a room
	New      bool    // there is none
}

func (m Match) fits(now *Room) bool {
	return !(now == nil && (m.Exists || len(m.Versions) > 0) || now != nil && (m.New || len(m.Versions) > 0 && !slices.Contains(m.Versions, now.Version)))
}

// Put gives a room the rules that edit makes of the defaults; a room that is not there yet is made, which it reports. ErrStale, RulesError.
func (o *Office) Put(ctx context.Context, by By, name string, m Match, edit func(*Room) error) (room Room, made bool, err error) {
	room, err = o.change(ctx, m, Change{By: by, Action: "put", Room: name, To: func(now *Room) (Room, error) {
		made = now == nil
		next := Room{Rules: DefaultRules(name)}
		if !made {
			next.State, next.Run = now.State, now.Run
		}
		if err := edit(&next); err != nil {
			return next, err
		}
		if made {
			next.State, next.Run = FirstState(next.Rules, time.Now()), NewRun()
		}
		return next, nil
	}})
	return room, made, err
}

// Patch changes rules of a room that is there; two that come at once both count. ErrRoomNotFound, ErrStale, RulesError.
func (o *Office) Patch(ctx context.Context, by By, name string, m Match, edit func(*Room) error) (Room, error) {
	return o.change(ctx, m, Change{By: by, Action: "patch", Room: name, To: func(now *Room) (Room, error) {
		if now == nil {
			return Room{}, ErrRoomNotFound
		}
		next := *now
		return next, edit(&next)
	}})
}

// Order carries out an operator's order: open, pause, resume, drain or end. Opening a room that has ended starts a new run: a new
// line, and places of the old one are refused. ErrRoomNotFound, ErrInvalidTransition.
func (o *Office) Order(ctx context.Context, by By, name, order string) (Room, error) {
	return o.change(ctx, Match{}, Change{By: by, Action: order, Room: name, To: func(now *Room) (Room, error) {
		t, known := transitions[order]
		if now == nil || !known {
			return Room{}, ErrRoomNotFound
		}
		if !slices.Contains(t.from, now.State) {
			return *now, ErrInvalidTransition
		}
		next := *now
		if next.State = t.to; order == "open" && now.State == Ended {
			next.Run = NewRun()
		}
		return next, nil
	}})
}

// change carries a change out and lets this gateway know.
func (o *Office) change(ctx context.Context, m Match, c Change) (Room, error) {
	to := c.To
	c.To = func(now *Room) (Room, error) {
		if !m.fits(now) {
			return Room{}, ErrStale
		}
		next, err := to(now)
		wrong := &RulesError{}
		if err != nil && !errors.As(err, &wrong) {
			return next, err
		}
		if next.Name == "" {
			next.Name = next.Room
		}
		if wrong.Faults = append(wrong.Faults, next.Check()...); len(next.Events) > maxEvents {
			wrong.Faults = append(wrong.Faults, Fault{c.Room, "event_ids", fmt.Sprintf("%d, want at most %d", len(next.Events), maxEvents)})
		}
		if len(wrong.Faults) > 0 {
			return next, wrong
		}
		if now != nil {
			next.KeepGrace(now.Rules, time.Now())
		}
		return next, nil
	}
	asking, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	room, err := o.register.Change(asking, c)
	if err != nil {
		refusedTotal.Inc()
		return Room{}, fmt.Errorf("%s room %q: %w", c.Action, c.Room, err)
	}
	changesTotal.Inc()
	o.log.Info("a room was changed", "room", c.Room, "action", c.Action, "who", c.Who, "request_id", c.Request, "address", c.Address, "version", room.Version)
	if err := o.keeper.Read(ctx); err != nil { // it is changed all the same, and will be read within a second
		o.log.Warn("a change is not read yet", "room", c.Room, "err", err)
		return room, nil
	}
	if seen, err := o.keeper.Room(c.Room); err == nil && seen.Version >= room.Version {
		return seen, nil
	}
	return room, nil
}

// KeepGrace lets those who were called under former rules come as late as they were told.
func (r *Rules) KeepGrace(former Rules, now time.Time) {
	r.FormerGrace, r.FormerGraceUntil = 0, time.Time{}
	if grace := former.GraceAt(now); grace > r.Grace {
		until := now.Add(grace)
		if former.FormerGrace == grace && former.Grace <= r.Grace { // nobody was promised more since
			until = former.FormerGraceUntil
		}
		r.FormerGrace, r.FormerGraceUntil = grace, until.UTC().Truncate(time.Millisecond)
	}
}

// auditPage is how many lines a page of the log has: a line is 20 KB at most.
const auditPage = 50

// Audit returns a page of the log, the newest line first, and the cursor of the page that follows, "" when there is none. ErrBadCursor.
func (o *Office) Audit(ctx context.Context, cursor string) (page []Entry, next string, err error) {
	before := int64(0)
	if cursor != "" {
		if before, err = o.keeper.sealer.openCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	page, err = o.register.AuditLog(ctx, before, auditPage+1)
	if err != nil {
		return nil, "", fmt.Errorf("audit log: %w", err)
	}
	if len(page) > auditPage {
		page = page[:auditPage]
		next = o.keeper.sealer.sealCursor(page[auditPage-1].ID)
	}
	return page, next, nil
}

// SetEvents makes these the events behind a room, in order and each once.
func (r *Room) SetEvents(events []id.Event) {
	events = slices.Clone(events)
	slices.Sort(events)
	r.Events = slices.Compact(events)
}
