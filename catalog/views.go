package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/internal/id"
)

// Truth is Postgres. booking.ErrEventNotFound and booking.ErrStoreUnavailable are its answers. *pgcatalog.Store is the implementation.
type Truth interface {
	Facts(ctx context.Context, e id.Event) (*Facts, error)
	// FactsVersion is the version of an event's facts, to see whether those at hand are current.
	FactsVersion(ctx context.Context, e id.Event) (int64, error)
	// Seats reads an event's seats from its tickets. Its Version does not count.
	Seats(ctx context.Context, e id.Event) (Seats, error)
}

// SeatMap is the fast copy of the seats' state. When the caller's version is current, Snapshot only says so. ErrMapAway. *seatmap.Map is
// the implementation.
type SeatMap interface {
	Snapshot(ctx context.Context, e id.Event, have int64) (Seats, error)
}

// Shelf is a place that all gateways share where facts are kept: an event that no gateway's memory has is shown from it while Postgres is
// away. *redisfacts.Shelf is the implementation.
type Shelf interface {
	Keep(ctx context.Context, f *Facts) error
	// Kept returns facts and when they were kept; nil: there are none of the event.
	Kept(ctx context.Context, e id.Event) (*Facts, time.Time, error)
}

// Config sets views up.
type Config struct {
	Truth  Truth
	Map    SeatMap
	Shelf  Shelf                           // nil: there is none
	RoomOf func(id.Event) (RoomInfo, bool) // from memory: it is asked at every check; nil: there are no rooms
	Image  func(stored string) string      // the address of a picture by what an event keeps of it; nil: the same
	Key    []byte                          // signs cursors: the same on every gateway
	Bytes  int64                           // of memory for views; 0: 256 MiB
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
}

const (
	defaultBytes = 256 << 20
	// A change is in the seat map 30 ms after its commit and shown 300 ms later: well below the promised second.
	seatsEvery = 300 * time.Millisecond
	factsEvery = time.Second
	// Beyond this age a caller waits for the check that is under way; below it he gets what there is.
	fresh = 700 * time.Millisecond
	// Nobody waits longer than this for a store when there is something to show.
	patience = 300 * time.Millisecond
	// But for who checks, as long as stores answer: what is shown was checked. Once one has hung, nobody waits for a while.
	thorough = 2 * time.Second
	hangs    = 5 * time.Second
	// A view that could not be checked for so long says that it is stale.
	staleAfter  = time.Second
	mapTime     = 2 * time.Second        // for one look at the seat map, when it must be loaded first; see package seatmap
	truthTime   = time.Second            // for one look at Postgres
	mapPause    = 500 * time.Millisecond // between tries while the seat map is away
	fallbackMax = 2 * time.Second        // between looks at Postgres instead, when each is expensive
)

var (
	checksTotal    = metrics.NewCounter("usher_view_checks_total")
	rendersTotal   = metrics.NewCounter("usher_view_renders_total")
	fallbacksTotal = metrics.NewCounter("usher_view_fallbacks_total")
	shelvedTotal   = metrics.NewCounter("usher_view_shelved_facts_total")
	staleTotal     = metrics.NewCounter("usher_view_stale_answers_total")
)

// Views serves event views from memory. It is safe for concurrent use.
type Views struct {
	Config
	cache *cache
	away  moment // until when the seat map is not asked

	hanging moment // until when a store is taken to hang
}

// New returns views with empty memory.
func New(c Config) *Views {
	if c.Bytes == 0 {
		c.Bytes = defaultBytes
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.RoomOf == nil {
		c.RoomOf = func(id.Event) (RoomInfo, bool) { return RoomInfo{}, false }
	}
	if c.Image == nil {
		c.Image = func(stored string) string { return stored }
	}
	return &Views{Config: c, cache: newCache(c.Bytes)}
}

// Event returns the event view with one page of tickets, the first without a cursor. booking.ErrEventNotFound, ErrBadCursor,
// booking.ErrStoreUnavailable when the event is not in memory and no store answers.
func (v *Views) Event(ctx context.Context, e id.Event, ticketsCursor string) (*View, error) {
	s, err := v.look(ctx, e)
	if err != nil {
		return nil, err
	}
	page := 0
	if ticketsCursor != "" {
		seat, err := openCursor(v.Key, e, s.drawn.facts.Capacity(), ticketsCursor)
		if err != nil {
			return nil, err
		}
		page = seat / PageSeats
	}
	return v.answer(s, s.drawn.view(page, func(p *picture) []byte { return p.page(v.Key, page) })), nil
}

// Seats returns all seats of an event in one digit each. Errors as of Event.
func (v *Views) Seats(ctx context.Context, e id.Event) (*View, error) {
	s, err := v.look(ctx, e)
	if err != nil {
		return nil, err
	}
	return v.answer(s, s.drawn.view(seatMapPage, (*picture).seatMap)), nil
}

// Layout returns what a seat map is drawn from: levels, sections and rows, without the state of the seats. It changes with the event's facts
// only. Errors as of Event.
func (v *Views) Layout(ctx context.Context, e id.Event) (*View, error) {
	s, err := v.look(ctx, e)
	if err != nil {
		return nil, err
	}
	return v.answer(s, s.drawn.view(layoutPage, (*picture).layout)), nil
}

// answer is the view, marked when it could not be checked lately.
func (v *Views) answer(s *state, view *View) *View {
	age := v.Now().Sub(s.verified)
	if age <= staleAfter {
		return view
	}
	staleTotal.Inc()
	old := *view
	old.Stale = age
	return &old
}

// look returns the state of an event, checked not long ago unless no store answers.
func (v *Views) look(ctx context.Context, e id.Event) (*state, error) {
	held := v.cache.entry(e)
	s := held.state.Load()
	now := v.Now()
	switch {
	case s != nil && now.Before(s.checkAt):
		return s, s.err
	case s != nil && now.Sub(s.verified) < fresh:
		if !held.tryLock() {
			return s, s.err // somebody is at it, and this is young enough
		}
	case !held.lock(ctx, s != nil):
		if s == nil {
			return nil, fmt.Errorf("view of %s: %w", e, ctx.Err())
		}
		return s, s.err
	}
	if s = held.state.Load(); s != nil && v.Now().Before(s.checkAt) {
		held.unlock()
		return s, s.err // somebody else checked while we waited
	}
	ctx = context.WithoutCancel(ctx) // others wait for it too, whatever becomes of this caller
	if s == nil || s.err != nil {    // there is nothing to show meanwhile
		defer held.unlock()
		return v.renew(ctx, held, s)
	}
	old, checked := s, make(chan struct{}) // closed when it is done
	go func() {
		defer close(checked)
		defer held.unlock()
		if _, err := v.renew(ctx, held, old); err != nil && !errors.Is(err, booking.ErrEventNotFound) {
			v.warn("an event cannot be checked", err)
		}
	}()
	wait := thorough
	if v.hanging.after(v.Now()) {
		wait = patience
	}
	began := time.Now()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-checked:
	case <-timer.C:
	}
	s = held.state.Load()
	if time.Since(began) > patience && v.Now().Sub(s.verified) > staleAfter { // in vain
		v.hanging.set(v.Now().Add(hangs))
	}
	return s, s.err
}

// renew checks an event and keeps what it finds. The caller has locked the entry.
func (v *Views) renew(ctx context.Context, held *entry, old *state) (*state, error) {
	next, err := v.check(ctx, held.event, old)
	if err != nil {
		return nil, err
	}
	v.cache.put(held, next)
	return next, next.err
}

// check looks at the stores and returns the next state of an event: the same picture when nothing has changed. An error means that there
// is nothing to show.
func (v *Views) check(ctx context.Context, e id.Event, old *state) (*state, error) {
	checksTotal.Inc()
	next := &state{checkAt: v.Now().Add(seatsEvery), verified: v.Now()}
	facts, factsAt, err := v.facts(ctx, e, old)
	switch {
	case errors.Is(err, booking.ErrEventNotFound):
		next.err, next.checkAt = err, v.Now().Add(factsEvery)
		return next, nil
	case err != nil && (old == nil || old.err != nil):
		return nil, err
	case err != nil: // go on with the facts at hand
		v.warn("the facts of an event cannot be checked", err)
		facts, factsAt = old.drawn.facts, old.factsAt
	}
	if next.factsAt = factsAt; v.Now().Sub(factsAt) > staleAfter { // at hand, or from the shelf
		next.verified = factsAt
	}
	seats, err := v.seats(ctx, e, facts, old, next)
	if err != nil {
		if old == nil || old.err != nil {
			return nil, err
		}
		v.warn("the seats of an event cannot be read", err)
		next.drawn, next.verified, next.seatsAt = old.drawn, old.verified, old.seatsAt
		return next, nil
	}
	next.drawn, next.seatsAt = v.draw(facts, seats, e, old), seats.Now
	if at := next.drawn.changesAt; !at.IsZero() && at.Sub(seats.Now) < seatsEvery {
		next.checkAt = v.Now().Add(max(at.Sub(seats.Now), time.Millisecond)) // a hold runs out before the next check
	}
	return next, nil
}

// facts returns the current facts and when that was found out.
func (v *Views) facts(ctx context.Context, e id.Event, old *state) (*Facts, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, truthTime)
	defer cancel()
	known := old != nil && old.err == nil
	if known && v.Now().Sub(old.factsAt) < factsEvery {
		return old.drawn.facts, old.factsAt, nil
	}
	at := v.Now()
	if known {
		version, err := v.Truth.FactsVersion(ctx, e)
		if err != nil || version == old.drawn.facts.Version {
			return old.drawn.facts, at, err
		}
	}
	facts, err := v.Truth.Facts(ctx, e)
	if v.Shelf == nil {
		return facts, at, err
	}
	switch {
	case err == nil:
		if err := v.Shelf.Keep(ctx, facts); err != nil {
			v.warn("the facts of an event cannot be kept for other gateways", err)
		}
	case !known && !errors.Is(err, booking.ErrEventNotFound):
		if kept, since, shelfErr := v.Shelf.Kept(context.WithoutCancel(ctx), e); kept != nil && shelfErr == nil { // Postgres may have used up the time
			shelvedTotal.Inc()
			return kept, since, nil
		}
	}
	return facts, at, err
}

// draw returns the picture of what was read: the old one when it shows the same.
func (v *Views) draw(facts *Facts, seats *Seats, e id.Event, old *state) *drawn {
	var room *RoomInfo
	if info, guarded := v.RoomOf(e); guarded {
		room = &info
	}
	if old != nil && old.err == nil {
		d := old.drawn
		sameRoom := (room == nil) == (d.room == nil) && (room == nil || *room == *d.room)
		expired := !d.changesAt.IsZero() && !d.changesAt.After(seats.Now)
		if d.facts == facts && d.seats.Version == seats.Version && sameRoom && !expired {
			return d
		}
	}
	rendersTotal.Inc()
	d := &drawn{picture: newPicture(facts, seats, room)}
	d.image = v.Image(facts.ImageURL)
	if old != nil && old.err == nil {
		d.inherit(old.drawn)
	}
	return d
}

func (v *Views) warn(what string, err error) {
	if v.Log != nil {
		v.Log.Warn(what, "err", err)
	}
}

// Show is an event with its seats as values, for pages that are drawn here. What it points to is shared and must not be changed.
type Show struct {
	*Facts
	Codes   []byte // a digit a seat, as the legend of the seats body has it; empty before the sale opens
	Count   [5]int // seats by code
	Version int64
	Room    *RoomInfo     // nil: no room guards the event
	Stale   time.Duration // above zero: a store is away and the state of the seats may be so old
}

// Free is how many seats are for sale.
func (s *Show) Free() int { return s.Count[0] }

// Show returns an event as Event and Seats show it. Errors as of Event.
func (v *Views) Show(ctx context.Context, e id.Event) (*Show, error) {
	s, err := v.look(ctx, e)
	if err != nil {
		return nil, err
	}
	p := s.drawn.picture
	out := &Show{Facts: p.facts, Codes: p.codes, Count: p.count, Version: p.seats.Version, Room: p.room}
	if age := v.Now().Sub(s.verified); age > staleAfter {
		out.Stale = age
	}
	return out, nil
}
