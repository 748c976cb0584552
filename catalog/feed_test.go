package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// follower is a client of a feed: it applies what it is told as the contract says.
type follower struct {
	version int64
	codes   []byte
	mark    uint64
	told    map[int]int // changes by seat
}

func (c *follower) take(t *testing.T, m Message) {
	t.Helper()
	if len(m.Body) == 0 {
		return
	}
	var b struct {
		Version int64
		Seats   string
		Changes [][2]int
	}
	if err := json.Unmarshal(m.Body, &b); err != nil || b.Version != m.Version {
		t.Fatalf("%v in %+v %s", err, m, m.Body)
	}
	c.version = b.Version
	if m.All {
		c.codes = []byte(b.Seats)
	}
	for _, change := range b.Changes {
		c.codes[change[0]] = byte('0' + change[1])
		if c.told == nil {
			c.told = map[int]int{}
		}
		c.told[change[0]]++
	}
}

// feedOf follows the stand's event.
func feedOf(t testing.TB, v *Views) *Feed {
	t.Helper()
	f, err := v.Feed(t.Context(), testEvent)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// after lets time pass and looks.
func (s *stand) after(t testing.TB, d time.Duration, f *Feed) {
	t.Helper()
	s.pass(d)
	if _, err := f.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *stand) book(seats ...int) {
	s.change(func() {
		s.seats.Version++
		for _, seat := range seats {
			s.seats.States[seat] = booking.SeatBooked
		}
	})
}

func TestWhoResumesGetsWhatWasMissedOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	f := feedOf(t, s.views(0))
	c := &follower{}
	m, mark := f.Begin("")
	c.take(t, m)
	c.mark = mark
	for seat := range 3 {
		s.book(seat)
		s.after(t, seatsEvery, f)
	}
	m, c.mark = f.Since(c.mark)
	c.take(t, m)
	for seat := 10; seat < 14; seat++ {
		s.book(seat)
		s.after(t, seatsEvery, f)
	}
	m, again := f.Begin(strconv.FormatInt(c.version, 10))
	c.told = nil
	c.take(t, m)
	if m.All || fmt.Sprint(c.told) != "map[10:1 11:1 12:1 13:1]" || again != f.Mark() {
		t.Errorf("who resumes is told %s", m.Body)
	}
	if m, _ := f.Since(again); len(m.Body) != 0 {
		t.Errorf("and then %s", m.Body)
	}
	if m, _ := f.Begin(strconv.FormatInt(m.Version+1, 10)); !m.All {
		t.Error("a version of the future is believed")
	}
}

func TestWhoWasAwayTooLongGetsASnapshot(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	f := feedOf(t, s.views(0))
	s.book(0)
	s.after(t, seatsEvery, f)
	early, mark := f.Begin("")
	version := strconv.FormatInt(early.Version, 10)
	if m, _ := f.Begin(version); m.All { // the control: for now it is remembered
		t.Error("a snapshot although nothing was missed")
	}
	for range maxSteps {
		s.book(rand.IntN(500))
		s.after(t, seatsEvery, f)
	}
	if m, _ := f.Begin(version); !m.All {
		t.Error("resumed at what is forgotten")
	}
	if m, _ := f.Since(mark); !m.All {
		t.Error("a late reader went on from what is forgotten")
	}
	if len(f.steps) > maxSteps || f.size > maxChanges {
		t.Errorf("%d steps of %d changes are remembered", len(f.steps), f.size)
	}
}

func TestManyChangesAreASnapshotWhichIsShorter(t *testing.T) {
	t.Parallel()
	s := newStand(t, 2000)
	f := feedOf(t, s.views(0))
	mark := f.Mark()
	all := make([]int, 2000)
	for i := range all {
		all[i] = i
	}
	s.book(all...)
	s.after(t, seatsEvery, f)
	if m, _ := f.Since(mark); !m.All || len(m.Body) > 2200 {
		t.Errorf("%d bytes, all %v", len(m.Body), m.All)
	}
}

func TestAHoldThatEndsIsToldAlsoToWhoResumes(t *testing.T) {
	t.Parallel()
	s := newStand(t, 500)
	f := feedOf(t, s.views(0))
	s.change(func() { s.seats.Version++; s.seats.Holds[7] = s.now.Add(time.Second) })
	s.after(t, seatsEvery, f)
	m, mark := f.Begin("")
	seen := strconv.FormatInt(m.Version, 10)
	s.after(t, time.Second, f)
	m, _ = f.Since(mark)
	if want := `{"version":` + seen + `,"changes":[[7,0]]}`; string(m.Body) != want {
		t.Errorf("the end of a hold is told as %s, want %s", m.Body, want)
	}
	if m, _ := f.Begin(seen); m.All || string(m.Body) != `{"version":`+seen+`,"changes":[[7,0]]}` {
		t.Errorf("who resumes at the hold's version is told %s", m.Body)
	}
	// On another gateway the hold's version was seen only after its end, which the client may not know.
	other := feedOf(t, s.views(0))
	if m, _ := other.Begin(seen); !m.All {
		t.Errorf("where the hold was never seen: %s", m.Body)
	}
}

// Two gateways look at their own times, one client goes from one to the other, and after each step he must show what the gateway shows.
func TestAClientIsRightOnWhicheverGateway(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 1))
	s := newStand(t, 30)
	feeds := []*Feed{feedOf(t, s.views(0)), feedOf(t, s.views(0))}
	c := &follower{}
	resumed := 0
	for i := range 4000 {
		for range r.IntN(3) {
			s.change(func() {
				seat := r.IntN(30)
				s.seats.Version++
				switch r.IntN(4) {
				case 0:
					s.seats.States[seat] = booking.SeatState(r.IntN(5))
				case 1:
					delete(s.seats.Holds, seat)
				default:
					s.seats.Holds[seat] = s.now.Add(holdsLast + time.Duration(r.IntN(3000))*time.Millisecond)
				}
			})
		}
		f := feeds[r.IntN(2)]
		for _, f := range feeds {
			if r.IntN(4) > 0 {
				s.after(t, time.Duration(50+r.IntN(200))*time.Millisecond, f)
			}
		}
		if r.IntN(20) == 0 {
			s.pass(3 * time.Second)
		}
		s.after(t, seatsEvery, f) // it may show a hold that has ended a moment ago, of which the client knows from the other
		m, _ := f.Begin(strconv.FormatInt(c.version, 10))
		if !m.All {
			resumed++
		}
		c.take(t, m)
		if f.mu.Lock(); !slices.Equal(c.codes, f.drawn.codes) {
			t.Fatalf("seed %d, step %d: the client shows %s, the gateway %s; told %s", seed, i, c.codes, f.drawn.codes, m.Body)
		}
		f.mu.Unlock()
	}
	if resumed < 400 {
		t.Errorf("seed %d: resumed %d of 4000 times: that proves nothing", seed, resumed)
	}
}

func TestVersionsNeverGoBackWhateverIsAway(t *testing.T) {
	t.Parallel()
	s := newStand(t, 50)
	v := s.views(0)
	f := feedOf(t, v)
	last, codes := int64(0), map[int64]string{}
	check := func(what string) {
		t.Helper()
		_, b := see(t, v, testEvent, "")
		got := string(f.drawn.codes)
		if b.Availability.Version < last {
			t.Errorf("%s: version %d after %d", what, b.Availability.Version, last)
		}
		if was, known := codes[b.Availability.Version]; known && was != got {
			t.Errorf("%s: version %d is %s and was %s", what, b.Availability.Version, got, was)
		}
		last, codes[b.Availability.Version] = b.Availability.Version, got
	}
	check("at first")
	for round := range 3 {
		s.change(func() { s.mapAway = true })
		for i := range 5 { // many differences in Postgres …
			s.change(func() { s.seats.States[10*round+i] = booking.SeatBooked })
			s.after(t, fallbackMax, f)
			check("without the map")
		}
		s.change(func() { s.mapAway = false; s.seats.Version++ }) // … are one change of the map, which was only cut off
		s.after(t, mapPause+seatsEvery, f)
		check("with the map again")
		s.book(10*round + 8)
		s.after(t, seatsEvery, f)
		check("and after a change of it")
	}
	s.change(func() { s.seats.Version = s.now.UnixMicro() + 1; s.seats.States[49] = booking.SeatBooked }) // it was lost and loaded again
	s.after(t, seatsEvery, f)
	check("loaded again")
	if last != s.seats.Version {
		t.Errorf("version %d, the map's own is %d", last, s.seats.Version)
	}
}

// While the map is away two gateways count by themselves: the same number must not mean two things.
func TestVersionsOfOurOwnAreNotAnothersVersions(t *testing.T) {
	t.Parallel()
	s := newStand(t, 50)
	f, other := feedOf(t, s.views(0)), feedOf(t, s.views(0))
	s.change(func() { s.mapAway, s.seats.States[1] = true, booking.SeatBooked })
	s.after(t, mapPause, f)
	seen, _ := f.Begin("")
	s.change(func() { s.mapAway, s.seats.States[2] = false, booking.SeatBooked; s.seats.Version++ })
	s.after(t, mapPause, other)
	s.after(t, seatsEvery, other)
	if m, _ := other.Begin(strconv.FormatInt(seen.Version, 10)); !m.All {
		t.Errorf("the other gateway goes on from a version that it cannot know: %s", m.Body)
	}
	// Nor does the map's answer that nothing has changed count for what came from Postgres.
	s.after(t, mapPause, f)
	if got := string(f.drawn.codes[:4]); got != "0330" {
		t.Errorf("with the map again the seats are %s", got)
	}
}

func TestAFeedIsStaleWhenNothingCanBeLearnt(t *testing.T) {
	t.Parallel()
	s := newStand(t, 50)
	v := s.views(0)
	f := feedOf(t, v)
	if _, age := f.Stale(); age != 0 {
		t.Errorf("fresh is %s old", age)
	}
	s.change(func() { s.mapAway, s.truthAway = true, true })
	s.after(t, 4*time.Second, f)
	if version, age := f.Stale(); age != 4*time.Second || version != 1_000_000 {
		t.Errorf("version %d is %s old", version, age)
	}
	unknown, _ := id.NewEvent(1, 1)
	if _, err := v.Feed(t.Context(), unknown); err == nil || errors.Is(err, booking.ErrEventNotFound) {
		t.Errorf("an event that is not in memory: %v", err)
	}
	s.change(func() { s.mapAway, s.truthAway = false, false })
	s.after(t, mapPause, f)
	if _, age := f.Stale(); age != 0 {
		t.Errorf("with the stores again it is %s old", age)
	}
	if _, err := v.Feed(t.Context(), unknown); !errors.Is(err, booking.ErrEventNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
}

func TestALayoutIsRenderedOnceForItsFacts(t *testing.T) {
	t.Parallel()
	s := newStand(t, 20)
	v := s.views(0)
	look := func() *View {
		t.Helper()
		view, err := v.Layout(t.Context(), testEvent)
		if err != nil {
			t.Fatal(err)
		}
		return view
	}
	first := look()
	golden(t, "testdata/layout.json", append(slices.Clone(first.Body), '\n'))
	s.book(3)
	s.pass(seatsEvery)
	if look() != first {
		t.Error("a seat's change rendered the layout anew")
	}
	if held := v.cache.entries[testEvent]; v.cache.size != held.size || held.size != entrySize+held.state.Load().drawn.size {
		t.Errorf("accounted are %d and %d", v.cache.size, held.size)
	}
	s.change(func() { s.facts.Prices = map[string]int{"A": 1, "B": 2, "C": 3, "D": 4}; s.facts.Version++ })
	s.pass(factsEvery)
	if next := look(); next.ETag == first.ETag {
		t.Error("new prices did not change the layout")
	}
}

func TestAStadiumsLayoutIsSmall(t *testing.T) {
	t.Parallel()
	s := newStand(t, 94_000)
	view, err := s.views(0).Layout(t.Context(), testEvent)
	if err != nil {
		t.Fatal(err)
	}
	var l struct {
		Capacity int
		Sections []struct {
			First int
			Rows  []struct{ Seats int }
		}
	}
	if err := json.Unmarshal(view.Body, &l); err != nil {
		t.Fatal(err)
	}
	first := 0
	for _, section := range l.Sections {
		if section.First != first {
			t.Fatalf("a section begins at %d, want %d", section.First, first)
		}
		for _, row := range section.Rows {
			first += row.Seats
		}
	}
	if first != 94_000 || l.Capacity != first || len(view.Body) > 400<<10 {
		t.Errorf("%d seats in %d bytes", first, len(view.Body))
	}
	t.Logf("%d sections, %d bytes", len(l.Sections), len(view.Body))
}
