package redisfacts

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/catalog"
	"usher/catalog/layout"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func newShelf(t *testing.T) *Shelf {
	t.Helper()
	addr, prefix := testenv.Redis(t)
	rdb, err := redisdb.Dial(addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return New(rdb, prefix)
}

func factsOf(t *testing.T, sequence, seats int) *catalog.Facts {
	t.Helper()
	e, err1 := id.NewEvent(322, sequence)
	l, err2 := layout.Generate(seats)
	zone, err3 := time.LoadLocation("America/Toronto")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	latitude := 43.65
	return &catalog.Facts{
		Plan: &layout.Plan{Event: e, Currency: "CAD", Prices: map[string]int{"A": 9000, "B": 6500, "C": 4000, "D": 2000}, Layout: l},
		Name: `Owls & "Friends"`, Details: "Line one\nline two", ImageURL: "https://images.example/1.jpg", Performer: "The Owls",
		Performers: []catalog.Performer{{ID: 3, Name: "The Owls"}, {ID: 9, Name: "Sōma"}},
		Start:      time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 3, 30, 0, 0, time.UTC),
		Venue:  catalog.Venue{ID: 12, Name: "The Lantern", Location: "Toronto, Canada", City: "Toronto", Country: "CA", Latitude: &latitude, Zone: zone},
		OnSale: true, Version: 1 << 60,
	}
}

func TestFactsComeBackAsTheyWereKept(t *testing.T) {
	t.Parallel()
	s, want := newShelf(t), factsOf(t, 7, 500)
	if err := s.Keep(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, since, err := s.Kept(t.Context(), want.Event)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if age := time.Since(since); age < -time.Minute || age > time.Minute {
		t.Errorf("kept since %s", since)
	}
	if f, _, err := s.Kept(t.Context(), factsOf(t, 8, 10).Event); f != nil || err != nil {
		t.Errorf("of an event that was never kept: %v, %v", f, err)
	}
}

func TestAStadiumIsKept(t *testing.T) {
	t.Parallel()
	s, want := newShelf(t), factsOf(t, 7, 94_000)
	if err := s.Keep(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if got, _, err := s.Kept(t.Context(), want.Event); err != nil || got.Capacity() != 94_000 {
		t.Errorf("%v", err)
	}
}

// What was kept longest ago makes room.
func TestTheShelfIsBounded(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.events = 3
	for sequence := 1; sequence <= 5; sequence++ {
		if err := s.Keep(t.Context(), factsOf(t, sequence, 10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond) // scores are milliseconds
	}
	if n := s.rdb.HLen(t.Context(), s.factsKey()).Val(); n != 3 {
		t.Errorf("%d events are kept, want 3", n)
	}
	for sequence, want := range map[int]bool{1: false, 2: false, 3: true, 4: true, 5: true} {
		if f, _, err := s.Kept(t.Context(), factsOf(t, sequence, 10).Event); err != nil || (f != nil) != want {
			t.Errorf("event %d: kept %t, %v, want %t", sequence, f != nil, err, want)
		}
	}
	large := factsOf(t, 9, 10)
	for i := range 40_000 { // what does not pack well
		large.Details += string(rune(0x4e00 + (i*i*31+i*7)%20_000))
	}
	if err := s.Keep(t.Context(), large); !errors.Is(err, ErrTooLarge) {
		t.Errorf("facts of %d bytes: %v", len(large.Details), err)
	}
}

// What is not ours, or of another version of Usher, is an error and no facts.
func TestStrangeFactsAreRefused(t *testing.T) {
	t.Parallel()
	s, f := newShelf(t), factsOf(t, 7, 10)
	f.Prices = map[string]int{} // no level has a price
	unpriced, err := pack(f)
	if err != nil {
		t.Fatal(err)
	}
	for why, body := range map[string]string{"no gzip": "{}", "empty": "", "without prices": string(unpriced), "cut off": string(unpriced[:len(unpriced)/2])} {
		ctx := t.Context()
		s.rdb.HSet(ctx, s.factsKey(), f.Event.String(), body)
		s.rdb.ZAdd(ctx, s.sinceKey(), redis.Z{Score: 1, Member: f.Event.String()})
		if got, _, err := s.Kept(ctx, f.Event); got != nil || err == nil || !strings.Contains(err.Error(), f.Event.String()) {
			t.Errorf("%s: %v, %v", why, got, err)
		}
	}
}
