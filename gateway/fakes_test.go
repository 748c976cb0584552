package gateway

import (
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"usher/booking"
	"usher/catalog"
	"usher/catalog/layout"
	"usher/internal/id"
	"usher/search"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// The fakes stand in for the parts: small state machines that do what a test tells them. A nil function field gives the plain answer.

const (
	roomName  = "final"
	otherRoom = "other"
)

var (
	guarded   = event(1)
	unguarded = event(2)
	noon      = time.Date(2026, 6, 11, 12, 0, 0, 0, time.UTC)
)

func event(n int) id.Event {
	e, err := id.NewEvent(317, n)
	if err != nil {
		panic(err)
	}
	return e
}

// fakeRoom is a waiting room whose tokens are their content in base64, with a mark that a forger does not know.
type fakeRoom struct {
	active  bool
	join    func() (waitroom.Line, bool, error)
	poll    func(shown int64) (waitroom.Line, error)
	enter   func() (waitroom.Line, error)
	renew   func() error
	session func() error // CheckActive
	extend  func() error
	ready   func() error
	leave   func() error
	former  map[id.Event]waitroom.Former
}

func seal(kind string, words ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + "." + strings.Join(words, ".") + ".ours"))
}

func open(kind, sealed string) ([]string, bool) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	words := strings.Split(string(b), ".")
	if err != nil || len(words) < 2 || words[0] != kind || !hmac.Equal([]byte(words[len(words)-1]), []byte("ours")) {
		return nil, false
	}
	return words[1 : len(words)-1], true
}

func (f *fakeRoom) NewVisitor() (id.Visitor, string) {
	v := id.NewVisitor()
	return v, seal("v", v.String())
}

func (f *fakeRoom) Visitor(sealed string) (id.Visitor, error) {
	if words, ok := open("v", sealed); ok {
		return id.ParseVisitor(words[0])
	}
	return id.Visitor{}, waitroom.ErrVisitorInvalid
}

func (f *fakeRoom) SealPlace(p waitroom.Place) string { return seal("p", p.Room, p.Visitor.String()) }

func (f *fakeRoom) Place(sealed string) (waitroom.Place, error) {
	words, ok := open("p", sealed)
	if !ok {
		return waitroom.Place{}, waitroom.ErrPlaceInvalid
	}
	v, err := id.ParseVisitor(words[1])
	return waitroom.Place{Room: words[0], Run: "run1", Visitor: v, Number: 41, IssuedAt: noon}, err
}

func (f *fakeRoom) room() waitroom.Room {
	return waitroom.Room{
		Rules: waitroom.Rules{
			Room: roomName, Name: "The final", Method: waitroom.FIFO, Capacity: 100, CallsPerMinute: 600, Session: 15 * time.Minute,
			SessionCap: 30 * time.Minute, Grace: 5 * time.Minute, PollFloor: 2 * time.Second, PollCap: time.Minute, Message: "Doors <open> soon", OpensAt: noon,
		},
		Events: []id.Event{guarded}, Former: f.former, State: waitroom.Open, Run: "run1", Version: 7, Active: f.active, Waiting: 12, Watermark: 30, Pace: 59.97, UpdatedAt: noon,
	}
}

func (f *fakeRoom) Room(room string) (waitroom.Room, error) {
	if room != roomName {
		return waitroom.Room{}, waitroom.ErrRoomNotFound
	}
	return f.room(), nil
}

func (f *fakeRoom) RoomOf(e id.Event) (waitroom.Room, bool) { return f.room(), e == guarded }

func (f *fakeRoom) line(v id.Visitor) waitroom.Line {
	return waitroom.Line{
		Place: waitroom.Place{Room: roomName, Run: "run1", Visitor: v, Number: 41, IssuedAt: noon}, Room: f.room(), State: waitroom.StandWaiting, Position: 12,
		Estimate: &waitroom.Estimate{Low: 100 * time.Second, High: 200 * time.Second}, PollAfter: 5 * time.Second, TicketsLeft: -1, UpdatedAt: noon,
	}
}

func (f *fakeRoom) Join(_ context.Context, room string, v id.Visitor, shown *waitroom.Place) (waitroom.Line, bool, error) {
	if room != roomName {
		return waitroom.Line{}, false, waitroom.ErrRoomNotFound
	}
	if f.join != nil {
		return f.join()
	}
	return f.line(v), shown == nil, nil
}

func (f *fakeRoom) Poll(p waitroom.Place, shown int64) (waitroom.Line, error) {
	if f.poll != nil {
		return f.poll(shown)
	}
	return f.line(p.Visitor), nil
}

func (f *fakeRoom) Enter(_ context.Context, p waitroom.Place) (waitroom.Line, error) {
	if f.enter != nil {
		return f.enter()
	}
	l := f.line(p.Visitor)
	l.State, l.Position, l.Estimate = waitroom.StandEntered, 0, nil
	l.Pass, l.PassExpiresAt = passOf(roomName, p.Visitor), noon.Add(15*time.Minute)
	return l, nil
}

func passOf(room string, v id.Visitor) string { return seal("pass", room, v.String()) }

func (f *fakeRoom) Verify(token, room string) (c pass.Claims, err error) {
	words, ok := open("pass", token)
	if !ok {
		return c, pass.ErrInvalid
	}
	if words[0] == "expired" {
		return c, pass.ErrExpired
	}
	if room != "" && words[0] != room {
		return c, pass.ErrWrongRoom
	}
	v, err := id.ParseVisitor(words[1])
	return pass.Claims{Room: words[0], Visitor: v, JTI: "jti1", Number: 41, Run: "run1", IssuedAt: noon, ExpiresAt: noon.Add(15 * time.Minute)}, err
}

func call0(f func() error) error {
	if f != nil {
		return f()
	}
	return nil
}

func (f *fakeRoom) Renew(_ context.Context, p pass.Claims) (string, time.Time, error) {
	return passOf(p.Room, p.Visitor), noon.Add(20 * time.Minute), call0(f.renew)
}

func (f *fakeRoom) Extend(_ context.Context, p pass.Claims, until time.Time) (string, time.Time, error) {
	return passOf(p.Room, p.Visitor), until, call0(f.extend)
}
func (f *fakeRoom) Leave(context.Context, waitroom.Place) error     { return call0(f.leave) }
func (f *fakeRoom) LeaveSession(context.Context, pass.Claims) error { return call0(f.leave) }
func (f *fakeRoom) CheckActive(context.Context, pass.Claims) error  { return call0(f.session) }
func (f *fakeRoom) JWKS() []byte                                    { return []byte(`{"keys":[]}`) }
func (f *fakeRoom) Ready() error                                    { return call0(f.ready) }
func (f *fakeRoom) Rooms() []waitroom.Room                          { return []waitroom.Room{f.room()} }
func (f *fakeRoom) WriteMetrics(w io.Writer) error {
	_, err := io.WriteString(w, "usher_room_waiting_visitors{room=\"final\"} 12\n")
	return err
}
func (f *fakeRoom) Stats(room string) (waitroom.Stats, error) {
	_, err := f.Room(room)
	return waitroom.Stats{}, err
}

// fakeOffice changes rooms in memory. There is one at first, the fakeRoom's.
type fakeOffice struct {
	mu     sync.Mutex // guards all below
	refuse bool       // orders
	rooms  map[string]waitroom.Room
	by     waitroom.By // of the last change
	err    error
}

func newFakeOffice(f *fakeRoom) *fakeOffice {
	return &fakeOffice{rooms: map[string]waitroom.Room{roomName: f.room()}}
}

func (f *fakeOffice) Order(_ context.Context, by waitroom.By, room, _ string) (waitroom.Room, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse {
		return waitroom.Room{}, waitroom.ErrInvalidTransition
	}
	r, there := f.rooms[room]
	if !there {
		return r, waitroom.ErrRoomNotFound
	}
	f.by = by
	return r, f.err
}

func (f *fakeOffice) Put(_ context.Context, by waitroom.By, room string, m waitroom.Match, edit func(*waitroom.Room) error) (waitroom.Room, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, there := f.rooms[room]
	next := waitroom.Room{Rules: waitroom.DefaultRules(room), State: now.State, Run: now.Run}
	if !there {
		next.State, next.Run, next.UpdatedAt = waitroom.Open, "run2", noon
	}
	r, err := f.change(by, there, now, next, m, edit)
	return r, !there, err
}

func (f *fakeOffice) Patch(_ context.Context, by waitroom.By, room string, m waitroom.Match, edit func(*waitroom.Room) error) (waitroom.Room, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, there := f.rooms[room]
	if !there {
		return now, waitroom.ErrRoomNotFound
	}
	return f.change(by, there, now, now, m, edit)
}

func (f *fakeOffice) change(by waitroom.By, there bool, now, next waitroom.Room, m waitroom.Match, edit func(*waitroom.Room) error) (waitroom.Room, error) {
	if m.New && there || m.Exists && !there || len(m.Versions) > 0 && !slices.Contains(m.Versions, now.Version) {
		return now, waitroom.ErrStale
	}
	if err := errors.Join(f.err, edit(&next)); err != nil {
		return now, err
	}
	if faults := next.Check(); len(faults) > 0 {
		return now, &waitroom.RulesError{Faults: faults}
	}
	next.Version, f.by = now.Version+1, by
	f.rooms[next.Room] = next
	return next, nil
}

func (f *fakeOffice) Audit(_ context.Context, cursor string) ([]waitroom.Entry, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch cursor {
	case "":
		return []waitroom.Entry{{ID: 2, At: noon, By: f.by, Action: "put", Room: roomName, Before: []byte(`{"capacity":1}`), After: []byte(`{"capacity":2}`)}}, "more", f.err
	case "more":
		return []waitroom.Entry{{ID: 1, At: noon, By: waitroom.By{Who: waitroom.ByFile}, Action: "load", Room: roomName, After: []byte(`{"capacity":1}`)}}, "", nil
	}
	return nil, "", waitroom.ErrBadCursor
}

// fakeDesk answers every call with plain holds and bookings, or with the error that a test has put in.
type fakeDesk struct {
	err       error
	status    booking.Status // of bookings; empty: reserved, and confirmed by Confirm
	owner     id.Visitor     // of bookings that exist; zero: whoever asks
	paid      booking.Payment
	calls     int
	panics    bool
	buyer     booking.Buyer
	action    *booking.Action
	ends      time.Time
	declined  string // the last decline
	extended  bool
	session   string         // the jti of the session that booked; empty: that of every pass
	declines  error          // of Confirm
	changes   error          // of Extend, Cancel and SetBuyer
	confirmed booking.Status // by Confirm; empty: Confirmed
	held      sync.Map       // visitor and event
	basket    []id.Ticket    // what Holds tells
	lists     bool           // Holds answers whatever err is
	best      booking.BestAvailable
	asked     []id.Ticket // by Hold
}

func (f *fakeDesk) ticket(t id.Ticket) booking.Ticket {
	return booking.Ticket{ID: t, SeatNumber: "7", Section: "A", Row: "3", Price: 4200, Currency: "USD", Status: booking.Available, Held: true, HoldExpiry: noon}
}

func (f *fakeDesk) holds(e id.Event, tickets []id.Ticket) booking.Holds {
	h := booking.Holds{Event: e, ExpirationTime: noon.Add(10 * time.Minute), Currency: "USD"}
	for _, t := range tickets {
		h.Tickets, h.Total = append(h.Tickets, f.ticket(t)), h.Total+4200
	}
	return h
}

func (f *fakeDesk) Hold(_ context.Context, o booking.Owner, e id.Event, tickets []id.Ticket) (booking.Holds, bool, error) {
	if f.panics {
		panic("a fault of ours")
	}
	f.calls++
	f.asked = tickets
	_, again := f.held.LoadOrStore(o.Visitor.String()+e.String(), true)
	return f.holds(e, tickets), !again, f.err
}

func (f *fakeDesk) HoldBest(_ context.Context, _ booking.Owner, e id.Event, want booking.BestAvailable, _ string) (booking.Holds, error) {
	f.best = want
	var tickets []id.Ticket
	for i := range want.Quantity {
		tickets = append(tickets, e.Ticket(i))
	}
	return f.holds(e, tickets), f.err
}

func (f *fakeDesk) Holds(_ context.Context, _ booking.Owner, e id.Event) (booking.Holds, error) {
	h := f.holds(e, f.basket)
	if !f.ends.IsZero() {
		h.ExpirationTime = f.ends
	}
	if len(f.basket) == 0 {
		h.ExpirationTime = time.Time{}
	}
	if f.lists {
		return h, nil
	}
	return h, f.err
}

func (f *fakeDesk) Release(context.Context, booking.Owner, id.Event, []id.Ticket) error { return f.err }

func (f *fakeDesk) ExtendHolds(context.Context, booking.Owner, id.Event) (time.Time, error) {
	return noon.Add(20 * time.Minute), f.err
}

func (f *fakeDesk) booking(b id.Booking, status booking.Status) booking.Booking {
	if f.status != "" {
		status = f.status
	}
	out := booking.Booking{
		ID: b, Status: status, Seats: []booking.Ticket{f.ticket(b.Event.Ticket(7))}, Total: 4200, Currency: "USD", ExpirationTime: noon.Add(10 * time.Minute),
		CreatedAt: noon, UpdatedAt: noon,
	}
	if b.Event == guarded {
		out.Session = booking.Session{Room: roomName, JTI: cmp.Or(f.session, "jti1")}
	}
	if status == booking.Confirmed {
		out.ConfirmationID, out.ExpirationTime = "CONF1", time.Time{}
	}
	return out
}

func (f *fakeDesk) Book(_ context.Context, _ booking.Owner, tickets []id.Ticket, _ string) (booking.Booking, error) {
	f.calls++
	return f.booking(id.Booking{Event: tickets[0].Event(), Key: id.NewKey()}, booking.Reserved), f.err
}

func (f *fakeDesk) find(owner id.Visitor) error {
	if f.owner != (id.Visitor{}) && f.owner != owner {
		return booking.ErrBookingNotFound
	}
	return f.err
}

func (f *fakeDesk) Confirm(_ context.Context, owner id.Visitor, b id.Booking, p booking.Payment, _ string) (booking.Booking, error) {
	f.paid = p
	if f.declines != nil {
		return booking.Booking{}, f.declines
	}
	status := f.confirmed
	if status == "" {
		status = booking.Confirmed
	}
	return f.booking(b, status), f.find(owner)
}

func (f *fakeDesk) Cancel(_ context.Context, owner id.Visitor, b id.Booking, _ string) (booking.Booking, error) {
	return f.booking(b, booking.Cancelled), errors.Join(f.changes, f.find(owner))
}

func (f *fakeDesk) Booking(_ context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error) {
	out := f.booking(b, booking.Reserved)
	if !f.ends.IsZero() {
		out.ExpirationTime = f.ends
	}
	return out, f.find(owner)
}

func (f *fakeDesk) Extend(_ context.Context, owner id.Visitor, b id.Booking, _ string) (booking.Booking, error) {
	out := f.booking(b, booking.Reserved)
	out.Extended = true
	return out, errors.Join(f.changes, f.find(owner))
}

func (f *fakeDesk) Purchase(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error) {
	out, err := f.Booking(ctx, owner, b)
	out.Buyer, out.LastDecline, out.Extended, out.Action = f.buyer, f.declined, f.extended, f.action
	return out, err
}

func (f *fakeDesk) SetBuyer(_ context.Context, owner id.Visitor, _ id.Booking, b booking.Buyer) error {
	if f.changes != nil {
		return f.changes
	}
	f.buyer = b
	return f.find(owner)
}

func (f *fakeDesk) Ready() error { return nil }

// fakeKeys is the memory of answers, as desk.Idempotency promises it.
type fakeKeys struct {
	mu      sync.Mutex
	request map[[32]byte][32]byte
	answers map[[32]byte]*booking.StoredAnswer
	err     error
}

func (f *fakeKeys) Begin(_ context.Context, scope, request [32]byte) (*booking.StoredAnswer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	first, known := f.request[scope]
	switch {
	case !known:
		f.request[scope] = request
		return nil, nil
	case first != request:
		return nil, booking.ErrIdempotencyKeyReused
	case f.answers[scope] == nil:
		return nil, booking.ErrIdempotencyKeyInFlight
	}
	return f.answers[scope], nil
}

func (f *fakeKeys) Finish(_ context.Context, scope [32]byte, a *booking.StoredAnswer) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a == nil {
		delete(f.request, scope)
		return nil
	}
	f.answers[scope] = a
	return nil
}

// fakeCatalog has views of two events.
type fakeCatalog struct {
	err   error
	stale time.Duration
	pad   int        // bytes that make a body worth compressing
	live  *liveSeats // what streams tell of
	views *catalog.Views

	// of Show; zero: as in the fakes' hall
	start  time.Time
	layout *layout.Layout
	name   string
	codes  string
	early  bool
	show   func(*catalog.Show) // what else a test changes of it; nil: nothing
}

func newFakeCatalog() *fakeCatalog {
	f := &fakeCatalog{live: newLiveSeats(hall)}
	f.views = catalog.New(catalog.Config{Truth: f.live, Map: f.live})
	return f
}

const viewBody = `{"event":{"id":"%s","name":"A <match>","venue_id":"ven-1","s3_image_url":null,"details":"","performer":"Norway",` +
	`"start_time":"2026-06-11T20:00:00Z","end_time":"2026-06-11T22:00:00Z"},` +
	`"venue":{"id":"ven-1","name":"The stadium","location":"Oslo, NO","city":"Oslo","country":"NO","latitude":59.9,"longitude":10.7,"time_zone":"Europe/Oslo"},` +
	`"performer":{"id":"per-1","name":"Norway"},"performers":[{"id":"per-1","name":"Norway"}],"date":"2026-06-11",` +
	`"tickets":[{"id":"%s-0","event_id":"%s","seat_number":"1","section":"A","row":"1","price":4200,"currency":"USD","status":"available","held":false,` +
	`"hold_expiry":null,"blocked":false}],"tickets_next_cursor":null,` +
	`"availability":{"capacity":1,"free":1,"held":0,"paying":0,"booked":0,"blocked":0,"version":1,"as_of":"2026-06-01T00:00:00Z"},"room":null}`

func (f *fakeCatalog) Event(_ context.Context, e id.Event, cursor string) (*catalog.View, error) {
	if cursor != "" {
		return nil, catalog.ErrBadCursor
	}
	return f.view(e, strings.ReplaceAll(viewBody, "%s", e.String()))
}

func (f *fakeCatalog) Seats(_ context.Context, e id.Event) (*catalog.View, error) {
	return f.view(e, `{"event_id":"`+e.String()+`","version":1,"legend":["available","held","payment_processing","booked","blocked"],"seats":"0"}`)
}

func (f *fakeCatalog) Layout(_ context.Context, e id.Event) (*catalog.View, error) {
	return f.view(e, `{"event_id":"`+e.String()+`","currency":"USD","capacity":1,"levels":[{"name":"A","price":4200}],`+
		`"sections":[{"name":"A","level":0,"first":0,"rows":[{"name":"1","seats":1,"accessible":false}]}]}`)
}

func (f *fakeCatalog) Feed(ctx context.Context, e id.Event) (*catalog.Feed, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.views.Feed(ctx, e)
}

// hall is what the fake's events are played in: two sections, one of which is dear.
var hall = func() *layout.Layout {
	l, err := layout.New([]layout.Section{
		{Name: "A", Level: "A", Rows: []layout.Row{{Name: "1", Seats: 4}, {Name: "2", Seats: 4}}},
		{Name: "B", Level: "B", Rows: []layout.Row{{Name: "1", Seats: 8, Accessible: true}}},
	})
	if err != nil {
		panic(err)
	}
	return l
}()

func (f *fakeCatalog) Show(_ context.Context, e id.Event) (*catalog.Show, error) {
	if _, err := f.view(e, ""); err != nil {
		return nil, err
	}
	latitude, longitude := 59.9, 10.7
	show := &catalog.Show{
		Facts: &catalog.Facts{
			Plan: &layout.Plan{Event: e, Currency: "USD", Prices: map[string]int{"A": 4200, "B": 2100}, Layout: hall},
			Name: "A <match>", Details: "Details & more", Performer: "Norway", Performers: []catalog.Performer{{ID: 1, Name: "Norway"}},
			Start: noon.Add(8 * time.Hour), End: noon.Add(10 * time.Hour), OnSale: true, Version: 1,
			Venue: catalog.Venue{ID: 1, Name: "The stadium", Location: "Oslo, NO", City: "Oslo", Country: "NO", Latitude: &latitude, Longitude: &longitude, Zone: time.UTC},
		},
		Codes: []byte("0123400000000000"), Count: [5]int{12, 1, 1, 1, 1}, Version: 1, Stale: f.stale,
	}
	f.change(show)
	if e == guarded {
		show.Room = &catalog.RoomInfo{ID: roomName, Active: true, State: "open", JoinURL: "http://localhost:8080/rooms/" + roomName}
	}
	if f.show != nil {
		f.show(show)
	}
	return show, nil
}

func (f *fakeCatalog) change(show *catalog.Show) {
	if !f.start.IsZero() {
		show.Start, show.End = f.start, f.start.Add(2*time.Hour)
	}
	if f.layout != nil {
		show.Plan = &layout.Plan{Event: show.Event, Currency: "USD", Prices: map[string]int{}, Layout: f.layout}
		show.Codes = []byte(strings.Repeat("0", f.layout.Capacity()))
		show.Count = [5]int{f.layout.Capacity()}
	}
	if f.name != "" {
		show.Name = f.name
	}
	if f.codes != "" {
		show.Codes, show.Count = []byte(f.codes), [5]int{}
		for _, c := range f.codes {
			show.Count[c-'0']++
		}
	}
	if f.early {
		show.OnSale, show.Codes = false, nil
	}
}

func (f *fakeCatalog) view(e id.Event, body string) (*catalog.View, error) {
	if f.err != nil {
		return nil, f.err
	}
	if e != guarded && e != unguarded {
		return nil, booking.ErrEventNotFound
	}
	return &catalog.View{Body: []byte(body + strings.Repeat(" ", f.pad)), ETag: `"v1"`, Stale: f.stale}, nil
}

// fakeMap has events in two pages of one month.
type fakeMap struct {
	mu    sync.Mutex // guards all below
	err   error
	asked []id.Event // where the ranges began that were asked for
}

func (f *fakeMap) Months(context.Context, int) ([]catalog.Month, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []catalog.Month{{Month: guarded.Month(), Last: partEvents + 5}}, f.err
}

func (f *fakeMap) Listed(_ context.Context, from, _ id.Event, _ time.Time) ([]catalog.Listed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, from)
	return []catalog.Listed{{Event: from + 1, Updated: noon}, {Event: from + 2, Updated: noon.Add(time.Hour)}}, f.err
}

func (f *fakeMap) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// fakeSearch finds one event and keeps the query.
type fakeSearch struct {
	mu   sync.Mutex
	last search.Query
	err  error
	page func(search.Query) search.Page // nil: the one event

	other bool // another engine answers than should
}

func (f *fakeSearch) Search(_ context.Context, q search.Query) (search.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = q
	var facets *search.Facets
	if q.Facets {
		facets = &search.Facets{City: []search.Facet{{Value: "Oslo, NO", Label: "Oslo, NO", Count: 21}}, Available: []search.Facet{{Value: "true", Count: 20}}}
	}
	if f.page != nil {
		return f.page(q), f.err
	}
	return search.Page{Total: 21, NextCursor: "c2", Facets: facets, Events: []search.Hit{{
		ID: guarded, Name: "A match", Performer: "Norway", Start: noon, End: noon.Add(2 * time.Hour), Date: noon, PriceFrom: 4200, PriceTo: 9900, Currency: "USD",
		OnSale: true, Availability: "many", Venue: search.Venue{ID: "ven-1", Name: "The stadium", Location: "Oslo, NO", City: "Oslo", Country: "NO", TimeZone: "Europe/Oslo"},
		Tickets: []search.SampleTicket{{ID: guarded.Ticket(0), SeatNumber: "1", Price: 4200, Currency: "USD"}},
	}}}, f.err
}

func (f *fakeSearch) Suggest(_ context.Context, text string, limit int) (search.Suggestions, error) {
	return search.Suggestions{Degraded: f.other, List: []search.Suggestion{
		{Kind: "performer", Text: text, ID: "per-1"}, {Kind: "city", Text: "Oslo", Detail: "Oslo, NO"}, {Kind: "event", Text: "A match", Detail: "Oslo, NO", ID: guarded.String()},
	}[:min(limit, 3)]}, f.err
}

// fakeBox knows one payment that waits for its payer.
type fakeBox struct{ attempt id.Key }

func (f *fakeBox) Answer(_ context.Context, attempt id.Key, _ bool) (bool, error) {
	return attempt == f.attempt, nil
}

// fakeHook knows one signature.
type fakeHook struct {
	signature string
	err       error
	mu        sync.Mutex // guards heard
	heard     []string
}

func (f *fakeHook) Hear(_ context.Context, body []byte, signature string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.signature != signature || f.err != nil {
		return false, f.err
	}
	f.heard = append(f.heard, string(body))
	return true, nil
}

var errUnheard = errors.New("a store says what nobody has heard before")
