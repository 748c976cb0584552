package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
)

var update = flag.Bool("update", false, "write the golden files anew")

// body is what tests look at in an event view.
type body struct {
	Tickets []struct {
		ID         string
		SeatNumber string `json:"seat_number"`
		Status     string
		Held       bool
		HoldExpiry *time.Time `json:"hold_expiry"`
		Blocked    bool
	}
	Next         *string `json:"tickets_next_cursor"`
	Availability struct {
		Capacity, Free, Held, Paying, Booked, Blocked int
		Version                                       int64
	}
	Room *struct{ State string }
}

func see(t *testing.T, v *Views, e id.Event, cursor string) (*View, body) {
	t.Helper()
	view, err := v.Event(t.Context(), e, cursor)
	if err != nil {
		t.Fatal(err)
	}
	var b body
	if err := json.Unmarshal(view.Body, &b); err != nil {
		t.Fatalf("%v in %s", err, view.Body)
	}
	return view, b
}

func TestViewsAreAsTheContractSays(t *testing.T) {
	t.Parallel()
	s := newStand(t, 20)
	s.seats.States[1], s.seats.States[2] = booking.SeatReserved, booking.SeatPaying
	s.seats.States[3], s.seats.States[4], s.seats.States[5] = booking.SeatBooked, booking.SeatBlocked, booking.SeatReserved
	s.seats.Holds = map[int]time.Time{0: s.now.Add(time.Minute), 1: s.now.Add(90 * time.Second), 6: s.now.Add(-time.Second), 3: s.now.Add(time.Minute)}
	s.room = &RoomInfo{ID: "owls", Active: true, State: "open", JoinURL: "http://localhost:8080/rooms/owls"}
	v := s.views(0)
	for name, look := range map[string]func() (*View, error){
		"event": func() (*View, error) { return v.Event(t.Context(), testEvent, "") },
		"seats": func() (*View, error) { return v.Seats(t.Context(), testEvent) },
	} {
		view, err := look()
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, view.Body, "", " "); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, view.Body)
		}
		golden(t, "testdata/"+name+".json", append(got.Bytes(), '\n'))
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it after go test -update:\n%s", file, got)
	}
}

func TestAViewHasTheAddressOfThePicture(t *testing.T) {
	t.Parallel()
	s := newStand(t, 20)
	s.facts.ImageURL = "/images/x"
	for want, image := range map[string]func(string) string{
		"/images/x": nil, "https://usher.example/images/x": func(stored string) string { return "https://usher.example" + stored },
	} {
		c := s.views(0).Config
		c.Image = image
		view, err := New(c).Event(t.Context(), testEvent, "")
		if err != nil || !bytes.Contains(view.Body, []byte(`"s3_image_url":"`+want+`"`)) {
			t.Errorf("%v: no %s in %.300s", err, want, view.Body)
		}
	}
}

func TestAnEventThatIsNotOnSaleHasNoTickets(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	s.facts.OnSale = false
	v := s.views(0)
	first, b := see(t, v, testEvent, "")
	if len(b.Tickets) != 0 || b.Tickets == nil || b.Availability.Capacity != 500 || b.Availability.Free != 0 || b.Availability.Version != 0 {
		t.Errorf("%d tickets, availability %+v", len(b.Tickets), b.Availability)
	}
	s.pass(5 * time.Second)
	if again, _ := see(t, v, testEvent, ""); again != first {
		t.Error("the view was rendered again without a change")
	}
	s.change(func() { s.facts.OnSale, s.facts.Version = true, 2 })
	s.pass(factsEvery)
	if _, b := see(t, v, testEvent, ""); len(b.Tickets) != 500 || b.Availability.Free != 500 {
		t.Errorf("after the sale opened: %d tickets, %d free", len(b.Tickets), b.Availability.Free)
	}
}

func TestTheETagChangesWithTheViewAndOnlyWithIt(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	v := s.views(0)
	tag := func() string {
		s.pass(seatsEvery)
		view, _ := see(t, v, testEvent, "")
		return view.ETag
	}
	first := tag()
	for range 3 {
		if tag() != first {
			t.Error("the tag changed although nothing else did")
		}
	}
	steps := map[string]func(){
		"a hold":          func() { s.seats.Holds[7] = s.now.Add(time.Second); s.seats.Version++ },
		"a booking":       func() { s.seats.States[8] = booking.SeatBooked; s.seats.Version++ },
		"a room":          func() { s.room = &RoomInfo{ID: "r", State: "open"} },
		"a paused room":   func() { s.room = &RoomInfo{ID: "r", State: "paused"} },
		"another name":    func() { s.facts.Name, s.facts.Version = "Other", s.facts.Version+1; s.now = s.now.Add(factsEvery) },
		"time: hold ends": func() { s.now = s.now.Add(time.Second) },
	}
	for _, name := range []string{"a hold", "time: hold ends", "a booking", "a room", "a paused room", "another name"} {
		before := tag()
		s.change(steps[name])
		if tag() == before {
			t.Errorf("%s did not change the tag", name)
		}
	}
	if n := s.seatsRead.Load(); n != 0 {
		t.Errorf("Postgres was asked for seats %d times although the map is there", n)
	}
}

func TestAThousandMissesLoadOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	s.slow = make(chan struct{})
	v := s.views(0)
	var callers sync.WaitGroup
	for range 1000 {
		callers.Go(func() {
			if _, err := v.Event(context.Background(), testEvent, ""); err != nil {
				t.Error(err)
			}
		})
	}
	for s.factsRead.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(s.slow)
	callers.Wait()
	if f, m := s.factsRead.Load(), s.mapRead.Load(); f != 1 || m != 1 {
		t.Errorf("1000 callers read the facts %d times and the map %d times, want once", f, m)
	}
}

func TestStoresAreAskedAtTheirPaceHoweverManyLook(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	v := s.views(0)
	for range 100 { // ten seconds of 10 looks a second
		for range 50 {
			if _, err := v.Event(t.Context(), testEvent, ""); err != nil {
				t.Fatal(err)
			}
		}
		s.pass(100 * time.Millisecond)
	}
	if m, f := s.mapRead.Load(), s.versionRead.Load(); m > 35 || m < 30 || f > 10 {
		t.Errorf("in 10 s the map was asked %d times and the version %d times; want about 33, and at most 10", m, f)
	}
}

func TestWithoutTheMapPostgresIsShownAndTheVersionDoesNotGoBack(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	v := s.views(0)
	_, before := see(t, v, testEvent, "")
	s.change(func() { s.mapAway, s.seats.States[0] = true, booking.SeatBooked })
	s.pass(seatsEvery)
	view, during := see(t, v, testEvent, "")
	if view.Stale != 0 || during.Availability.Booked != 1 || during.Availability.Version <= before.Availability.Version {
		t.Errorf("stale %s, availability %+v", view.Stale, during.Availability)
	}
	s.change(func() { s.mapAway, s.seats.Version, s.seats.States[1] = false, s.seats.Version+2, booking.SeatBooked })
	s.pass(mapPause + seatsEvery)
	if _, after := see(t, v, testEvent, ""); after.Availability.Booked != 2 || after.Availability.Version <= during.Availability.Version {
		t.Errorf("with the map again: availability %+v", after.Availability)
	}
}

func TestWithoutAnyStoreTheLastViewIsShownWithItsAge(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	v := s.views(0)
	fresh, _ := see(t, v, testEvent, "")
	s.change(func() { s.mapAway, s.truthAway = true, true })
	s.pass(10 * time.Second)
	stale, _ := see(t, v, testEvent, "")
	if stale.Stale != 10*time.Second || stale.ETag != fresh.ETag {
		t.Errorf("after 10 s the view is stale by %s, tag %s, was %s", stale.Stale, stale.ETag, fresh.ETag)
	}
	other, _ := id.NewEvent(testEvent.Month(), 8)
	if _, err := v.Event(t.Context(), other, ""); !errors.Is(err, errAway) {
		t.Errorf("an event that is not in memory answers %v", err)
	}
	s.change(func() { s.mapAway, s.truthAway = false, false })
	s.pass(mapPause + seatsEvery)
	if again, _ := see(t, v, testEvent, ""); again.Stale != 0 {
		t.Errorf("with the stores again the view is stale by %s", again.Stale)
	}
}

// shelf is a Shelf in memory.
type shelf struct {
	mu    sync.Mutex // guards facts, away
	now   func() time.Time
	facts map[id.Event]*Facts
	at    map[id.Event]time.Time
	away  bool
}

func (s *shelf) Keep(_ context.Context, f *Facts) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errAway
	}
	s.facts[f.Event], s.at[f.Event] = f, s.now()
	return nil
}

func (s *shelf) Kept(_ context.Context, e id.Event) (*Facts, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, time.Time{}, errAway
	}
	return s.facts[e], s.at[e], nil
}

// While Postgres is away a gateway shows what another one has kept, says how old it is, and is right again when Postgres is back.
func TestWhatAnotherGatewayKeptIsShownWhilePostgresIsAway(t *testing.T) {
	t.Parallel()
	s := newStand(t, 50)
	kept := &shelf{now: s.clock, facts: map[id.Event]*Facts{}, at: map[id.Event]time.Time{}}
	one, two, alone := s.views(0), s.views(0), s.views(0)
	one.Shelf, two.Shelf = kept, kept
	see(t, one, testEvent, "")
	s.change(func() { s.truthAway = true })
	s.pass(time.Minute)
	view, b := see(t, two, testEvent, "")
	if view.Stale != time.Minute || len(b.Tickets) != 50 {
		t.Errorf("a minute after it was kept the view is stale by %s, with %d tickets", view.Stale, len(b.Tickets))
	}
	if _, err := alone.Event(t.Context(), testEvent, ""); !errors.Is(err, errAway) {
		t.Errorf("without a shelf the answer is %v", err)
	}
	other, _ := id.NewEvent(testEvent.Month(), 8)
	if _, err := two.Event(t.Context(), other, ""); !errors.Is(err, errAway) {
		t.Errorf("what nobody kept answers %v", err)
	}
	s.change(func() { s.truthAway, s.facts.Version, s.facts.Name = false, 2, "Owls Again" })
	s.pass(2 * time.Second)
	if view, _ := see(t, two, testEvent, ""); view.Stale != 0 || !bytes.Contains(view.Body, []byte("Owls Again")) {
		t.Errorf("with Postgres again the view is stale by %s: %.200s", view.Stale, view.Body)
	}
	if f, _, _ := kept.Kept(t.Context(), testEvent); f.Version != 2 {
		t.Errorf("the shelf has version %d", f.Version)
	}
	kept.away = true
	if _, err := two.Event(t.Context(), other, ""); err != nil {
		t.Errorf("with the shelf away, Postgres there: %v", err)
	}
}

// Who asks first while a store hangs waits no longer than the others: he gets what there is, and how old it is.
func TestNobodyWaitsForAStoreThatHangs(t *testing.T) {
	t.Parallel()
	s := newStand(t, 50)
	v := s.views(0)
	see(t, v, testEvent, "")
	hang := make(chan struct{})
	s.change(func() { s.hang = hang })
	s.pass(5 * time.Second)
	for range 3 {
		if view, _ := see(t, v, testEvent, ""); view.Stale != 5*time.Second { // would wait for ever
			t.Errorf("the view is stale by %s", view.Stale)
		}
	}
	s.change(func() { s.hang = nil })
	close(hang)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if view, _ := see(t, v, testEvent, ""); view.Stale == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the view stays stale")
		}
	}
}

func TestUnknownEventsAreNotFound(t *testing.T) {
	t.Parallel()
	s := newStand(t, 10)
	v := s.views(0)
	unknown, _ := id.NewEvent(1, 1)
	for range 5 {
		if _, err := v.Event(t.Context(), unknown, ""); !errors.Is(err, booking.ErrEventNotFound) {
			t.Errorf("an unknown event answers %v", err)
		}
		if _, err := v.Seats(t.Context(), unknown); !errors.Is(err, booking.ErrEventNotFound) {
			t.Errorf("the seats of an unknown event answer %v", err)
		}
	}
	if n := s.factsRead.Load(); n != 1 {
		t.Errorf("ten looks for an unknown event asked Postgres %d times", n)
	}
}

func TestPagesHoldEverySeatOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t, 4500)
	v := s.views(0)
	seen := map[string]bool{}
	var sizes []int
	for cursor := ""; ; {
		_, b := see(t, v, testEvent, cursor)
		sizes = append(sizes, len(b.Tickets))
		for _, ticket := range b.Tickets {
			if seen[ticket.ID] || seen[ticket.SeatNumber] {
				t.Fatalf("ticket %s, seat %s stands twice", ticket.ID, ticket.SeatNumber)
			}
			seen[ticket.ID], seen[ticket.SeatNumber] = true, true
		}
		if b.Next == nil {
			break
		}
		cursor = *b.Next
	}
	if len(seen) != 9000 || len(sizes) != 3 {
		t.Errorf("%d ids and numbers on pages of %v", len(seen), sizes)
	}
}

func TestForeignCursorsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStand(t, 4500)
	v := s.views(0)
	_, b := see(t, v, testEvent, "")
	good := *b.Next
	other, _ := id.NewEvent(testEvent.Month(), 8)
	if _, err := v.Event(t.Context(), other, good); !errors.Is(err, ErrBadCursor) {
		t.Errorf("the cursor of another event: %v", err)
	}
	for _, bad := range []string{"x", good[:len(good)-1], good + "A", good + "\n", good[:4] + "\r" + good[4:], "AAAA" + good[4:], sealCursor(v.Key, testEvent, 1), sealCursor(v.Key, testEvent, 6000), sealCursor([]byte("k"), testEvent, 2000)} {
		if _, err := v.Event(t.Context(), testEvent, bad); !errors.Is(err, ErrBadCursor) {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

func TestABodyIsPackedOnceAVersion(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	v := s.views(0)
	made := 0
	pack := func(b []byte) []byte { made++; return b[:10:10] }
	f := func(why string, ask func(context.Context, id.Event) (*View, error), want int) {
		t.Helper()
		view, err := ask(t.Context(), testEvent)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got := view.Packed("x", pack); string(got) != string(view.Body[:10]) {
				t.Errorf("%s: %q", why, got)
			}
		}
		if made != want {
			t.Errorf("%s: packed %d times, want %d", why, made, want)
		}
	}
	f("the seats", v.Seats, 1)
	f("the layout", v.Layout, 2)
	f("the seats again", v.Seats, 2)
	s.change(func() { s.seats.Version, s.seats.States[0] = s.seats.Version+1, booking.SeatBooked })
	s.pass(seatsEvery)
	f("after a sale", v.Seats, 3)
	f("the layout, which shows no sales", v.Layout, 3)
	s.change(func() { s.mapAway, s.truthAway = true, true })
	s.pass(time.Hour)
	f("stale seats", v.Seats, 3)
	if view, _ := v.Seats(t.Context(), testEvent); view.Stale == 0 || len(view.Packed("y", pack)) != 10 || made != 4 {
		t.Errorf("stale %s, packed %d times", view.Stale, made)
	}
}

func TestMemoryStaysWithinItsBytes(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	const limit = 2 << 20
	v := s.views(limit)
	for i := range 200 {
		e, _ := id.NewEvent(testEvent.Month(), i)
		for _, e := range []id.Event{e, testEvent} { // testEvent is in use all the time
			if _, err := v.Event(t.Context(), e, ""); err != nil {
				t.Fatal(err)
			}
		}
		s.pass(time.Millisecond)
		if got := v.cache.size; got > limit {
			t.Fatalf("after %d events %d bytes are kept", i, got)
		}
	}
	var sum int64
	for _, held := range v.cache.entries {
		sum += held.size
	}
	if sum != v.cache.size || len(v.cache.entries) < 5 {
		t.Errorf("%d entries of %d bytes are accounted as %d", len(v.cache.entries), sum, v.cache.size)
	}
	if n := s.factsRead.Load(); n > 200+40 {
		t.Errorf("an event in use was read again and again: %d reads", n)
	}
}
