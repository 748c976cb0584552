package pgledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
	"usher/waitroom"
)

const (
	maxRooms   = 1000 // each is called four times a second by every gateway
	auditLines = 100_000
	auditFor   = 400 * 24 * time.Hour // a season, and some
)

// take is the action of a room that an event was taken from.
const take = "take"

// Rooms reads all rooms with their state.
func (l *Ledger) Rooms(ctx context.Context) ([]waitroom.Room, error) {
	rows, err := l.pool.Query(ctx, query("rooms"))
	if err != nil {
		return nil, fmt.Errorf("rooms: %w", err)
	}
	rooms, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (waitroom.Room, error) {
		var moved []int64
		var from []string
		var at []time.Time
		r, err := scanRoom(row, &moved, &from, &at)
		for i, e := range moved {
			if r.Former == nil {
				r.Former = map[id.Event]waitroom.Former{}
			}
			r.Former[id.Event(e)] = waitroom.Former{Room: from[i], Until: at[i].UTC()}
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("rooms: %w", err)
	}
	return rooms, nil
}

// scanRoom reads what both statements about rooms return, and then more.
func scanRoom(row pgx.CollectableRow, more ...any) (r waitroom.Room, err error) {
	var name string
	var rules []byte
	var events []int64
	if err := row.Scan(append([]any{&name, &rules, &r.State, &r.Run, &r.Version, &r.UpdatedAt, &events}, more...)...); err != nil {
		return r, err
	}
	if err := json.Unmarshal(rules, &r.Rules); err != nil {
		return r, fmt.Errorf("rules of room %q: %w", name, err)
	}
	for _, e := range events {
		r.Events = append(r.Events, id.Event(e))
	}
	return r, nil
}

// SetState moves a room from one state to another, as its schedule wants it. waitroom.ErrInvalidTransition.
func (l *Ledger) SetState(ctx context.Context, room string, from, to waitroom.State) error {
	_, err := l.Change(ctx, waitroom.Change{
		By: waitroom.By{Who: waitroom.BySchedule}, Action: string(to), Room: room,
		To: func(now *waitroom.Room) (waitroom.Room, error) {
			if now == nil || now.State != from {
				return waitroom.Room{}, waitroom.ErrInvalidTransition
			}
			next := *now
			next.State = to
			return next, nil
		},
	})
	return err
}

// Change changes a room, or makes it, and writes the line of the audit log in the same transaction. waitroom.RulesError, and what To returns.
func (l *Ledger) Change(ctx context.Context, c waitroom.Change) (room waitroom.Room, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("lock_rooms")); err != nil {
			return err
		}
		room, err = change(ctx, tx, c, nil)
		return err
	})
	return room, err
}

// Load stores the rules of a rooms file, all or none. waitroom.RulesError.
func (l *Ledger) Load(ctx context.Context, rules []waitroom.Rules, by waitroom.By) error {
	return pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("lock_rooms")); err != nil {
			return err
		}
		for _, r := range rules {
			if err := load(ctx, tx, r, by); err != nil {
				return err
			}
		}
		return nil
	})
}

// load stores one room of a file, unless the file says what it has said before.
func load(ctx context.Context, tx pgx.Tx, r waitroom.Rules, by waitroom.By) error {
	file, err := json.Marshal(r)
	if err != nil {
		return err
	}
	now, filed, err := read(ctx, tx, r.Room)
	if err != nil {
		return err
	}
	if now != nil && filed != nil && sameJSON(filed, file) {
		return nil
	}
	events, err := eventsOf(ctx, tx, r)
	if err != nil {
		return err
	}
	to := func(now *waitroom.Room) (next waitroom.Room, err error) {
		if now == nil {
			next.State, next.Run = waitroom.FirstState(r, time.Now()), waitroom.NewRun()
		} else {
			next = *now
		}
		next.Rules = r
		if now != nil {
			next.KeepGrace(now.Rules, time.Now())
		}
		next.SetEvents(events)
		return next, nil
	}
	_, err = change(ctx, tx, waitroom.Change{By: by, Action: "load", Room: r.Room, To: to}, file)
	return err
}

// sameJSON compares by content: Postgres keeps another order and spacing.
func sameJSON(a, b []byte) bool {
	var x, y waitroom.Rules
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	one, _ := json.Marshal(x)
	other, _ := json.Marshal(y)
	return bytes.Equal(one, other)
}

// read returns a room and the rules that a file gave it last; nil: there is none.
func read(ctx context.Context, tx pgx.Tx, name string) (room *waitroom.Room, filed []byte, err error) {
	rows, err := tx.Query(ctx, query("room"), name)
	if err != nil {
		return nil, nil, fmt.Errorf("room %q: %w", name, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (waitroom.Room, error) { return scanRoom(row, &filed) })
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("room %q: %w", name, err)
	}
	return &found, filed, nil
}

// change is one change in a transaction that has the lock; filed are the rules of the file that it comes from, or nil.
func change(ctx context.Context, tx pgx.Tx, c waitroom.Change, filed []byte) (next waitroom.Room, err error) {
	now, _, err := read(ctx, tx, c.Room)
	if err != nil {
		return next, err
	}
	if next, err = c.To(now); err != nil {
		return next, err
	}
	if now == nil {
		var rooms int
		if err := tx.QueryRow(ctx, query("count_rooms")).Scan(&rooms); err != nil {
			return next, fmt.Errorf("count rooms: %w", err)
		}
		if rooms >= maxRooms {
			return next, &waitroom.RulesError{Faults: []waitroom.Fault{{Room: c.Room, Member: "room", Message: fmt.Sprintf("there are %d rooms already", rooms)}}}
		}
	}
	if next.EventKeys, err = keysOf(ctx, tx, next); err != nil {
		return next, err
	}
	if err := takeEvents(ctx, tx, next, c.By); err != nil {
		return next, err
	}
	return put(ctx, tx, c, now, next, filed)
}

// put stores a room and writes the line of the log, if anything is to be changed.
func put(ctx context.Context, tx pgx.Tx, c waitroom.Change, now *waitroom.Room, next waitroom.Room, filed []byte) (waitroom.Room, error) {
	var before []byte
	after, err := next.Record()
	if now != nil && err == nil {
		before, err = now.Record()
	}
	if err != nil {
		return next, err
	}
	if bytes.Equal(before, after) {
		if filed != nil {
			_, err = tx.Exec(ctx, query("file_room"), c.Room, filed)
		}
		return *now, err
	}
	rules, err := json.Marshal(next.Rules)
	if err != nil {
		return next, err
	}
	if err := tx.QueryRow(ctx, query("put_room"), c.Room, rules, next.State, next.Run, filed).Scan(&next.Version, &next.UpdatedAt); err != nil {
		return next, fmt.Errorf("put room %q: %w", c.Room, err)
	}
	if _, err := tx.Exec(ctx, query("attach_events"), c.Room, numbers(next.Events)); err != nil {
		return next, fmt.Errorf("events of room %q: %w", c.Room, err)
	}
	return next, writeAudit(ctx, tx, c, before, after)
}

func writeAudit(ctx context.Context, tx pgx.Tx, c waitroom.Change, before, after []byte) error {
	maybe := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	var line int64
	if err := tx.QueryRow(ctx, query("write_audit"), c.Who, maybe(c.Request), maybe(c.Address), c.Action, c.Room, before, after).Scan(&line); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	if _, err := tx.Exec(ctx, query("trim_audit"), line, auditLines, auditFor); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// takeEvents takes the events of a room that is to be from the rules of those that guard them. They are guarded all the time: what moves them is put.
func takeEvents(ctx context.Context, tx pgx.Tx, next waitroom.Room, by waitroom.By) error {
	rows, err := tx.Query(ctx, query("rooms_of_events"), next.Room, numbers(next.Events))
	if err != nil {
		return fmt.Errorf("rooms of events: %w", err)
	}
	others, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("rooms of events: %w", err)
	}
	for _, name := range others {
		now, _, err := read(ctx, tx, name)
		if err != nil {
			return err
		}
		left := *now
		left.Events = slices.DeleteFunc(slices.Clone(now.Events), func(e id.Event) bool { return slices.Contains(next.Events, e) })
		if left.EventKeys, err = keysOf(ctx, tx, left); err != nil {
			return err
		}
		if err := leave(ctx, tx, *now, left, by); err != nil {
			return err
		}
	}
	return nil
}

// leave stores a room that events were taken from. Who guards them says the room that takes them.
func leave(ctx context.Context, tx pgx.Tx, now, left waitroom.Room, by waitroom.By) error {
	before, err := now.Record()
	if err != nil {
		return err
	}
	after, err := left.Record()
	if err != nil {
		return err
	}
	rules, err := json.Marshal(left.Rules)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, query("put_room"), left.Room, rules, left.State, left.Run, nil); err != nil {
		return fmt.Errorf("take events from room %q: %w", left.Room, err)
	}
	return writeAudit(ctx, tx, waitroom.Change{By: by, Action: take, Room: left.Room}, before, after)
}

// keysOf returns the external ids of a room's events, in their order. waitroom.RulesError.
func keysOf(ctx context.Context, tx pgx.Tx, r waitroom.Room) ([]string, error) {
	found, err := pairs[int64, string](ctx, tx, "events_by_id", numbers(r.Events))
	if err != nil {
		return nil, err
	}
	keys, faults := []string{}, []waitroom.Fault(nil)
	for _, e := range r.Events {
		key, there := found[int64(e)]
		if !there {
			faults = append(faults, waitroom.Fault{Room: r.Room, Member: "event_ids", Message: fmt.Sprintf("there is no event %q", e)})
		}
		keys = append(keys, key)
	}
	if len(faults) > 0 {
		return nil, &waitroom.RulesError{Faults: faults}
	}
	return keys, nil
}

// eventsOf returns the events of a file's room. waitroom.RulesError.
func eventsOf(ctx context.Context, tx pgx.Tx, r waitroom.Rules) (events []id.Event, err error) {
	found, err := pairs[string, int64](ctx, tx, "events_by_key", r.EventKeys)
	if err != nil {
		return nil, err
	}
	var faults []waitroom.Fault
	for _, key := range r.EventKeys {
		e, there := found[key]
		if !there {
			faults = append(faults, waitroom.Fault{Room: r.Room, Member: "events", Message: fmt.Sprintf("there is no event with the external id %q; import it first", key)})
		}
		events = append(events, id.Event(e))
	}
	if len(faults) > 0 {
		return nil, &waitroom.RulesError{Faults: faults}
	}
	return events, nil
}

func numbers(events []id.Event) []int64 {
	out := make([]int64, len(events))
	for i, e := range events {
		out[i] = int64(e)
	}
	return out
}

func pairs[K comparable, V any](ctx context.Context, tx pgx.Tx, name string, of []K) (map[K]V, error) {
	rows, err := tx.Query(ctx, query(name), of)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	out := map[K]V{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		var k K
		var v V
		err = row.Scan(&k, &v)
		out[k] = v
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	return out, nil
}

// AuditLog returns lines of the log, the newest first, older than one; 0: from the newest.
func (l *Ledger) AuditLog(ctx context.Context, before int64, limit int) ([]waitroom.Entry, error) {
	rows, err := l.pool.Query(ctx, query("audit"), before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e waitroom.Entry, err error) {
		err = row.Scan(&e.ID, &e.At, &e.Who, &e.Request, &e.Address, &e.Action, &e.Room, &e.Before, &e.After)
		return e, err
	})
}
