// Package generate makes large catalogs that look like real ones: real cities, venues and acts that do not exist, weekends that are busier than
// Mondays, a few acts that are everywhere and many that play twice. It is pure: the same settings give the same records on every machine.
//
// Records are JSON Lines as `usher import` reads them, in an order in which whatever is named stands before.
package generate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"usher/catalog/money"
)

// Settings say how large the catalog is.
type Settings struct {
	Seed   uint64
	Events int       // 1 to MaxEvents, at most one a venue and day
	Venues int       // 1 to MaxVenues; 0: a twentieth of the events
	From   time.Time // first day; its clock and zone do not count
	Days   int       // that the events are spread over, 1 to 3660
	OnSale int       // how many events have their tickets made: each costs 500 rows or so
}

// The largest catalog is ten years of what Usher is built for.
const (
	MaxEvents = 36_500_000
	MaxVenues = 100_000
	maxDays   = 3660
)

// check reports settings that cannot be met, and fills in what is left open.
func (s *Settings) check() error {
	if s.Venues == 0 {
		s.Venues = min(max(s.Events/20, 1), MaxVenues)
	}
	var errs []error
	between := func(name string, n, low, high int) {
		if n < low || n > high {
			errs = append(errs, fmt.Errorf("%s is %d, want %d to %d", name, n, low, high))
		}
	}
	between("events", s.Events, 1, MaxEvents)
	between("venues", s.Venues, 1, MaxVenues)
	between("days", s.Days, 1, maxDays)
	between("on-sale", s.OnSale, 0, s.Events)
	if len(errs) == 0 && s.Events > s.Venues*s.Days {
		errs = append(errs, fmt.Errorf("%d events do not fit: %d venues have %d days", s.Events, s.Venues, s.Venues*s.Days))
	}
	if y := s.From.Year(); y < 2000 || y > 2280 {
		errs = append(errs, fmt.Errorf("from is of the year %d, want 2000 to 2280", y))
	}
	return errors.Join(errs...)
}

// Write writes the catalog, record by record: its memory is that of the venues and acts, whatever the number of events. progress is told how
// many events have been written, every thousand; it may be nil.
func Write(out io.Writer, s Settings, progress func(events int)) error {
	if err := s.check(); err != nil {
		return err
	}
	w, err := newWorld(s)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for i := range w.venues {
		if err := lines.Encode(w.venues[i].record); err != nil {
			return err
		}
	}
	for i := range w.acts {
		if err := lines.Encode(actRecord{"performer", w.acts[i].key, w.acts[i].name}); err != nil {
			return err
		}
	}
	done := 0
	for i := range w.venues {
		for _, e := range w.eventsAt(i) {
			e.OnSale = w.onSale(done)
			if err := lines.Encode(e); err != nil {
				return err
			}
			if done++; progress != nil && done%1000 == 0 {
				progress(done)
			}
		}
	}
	return nil
}

// world is what the events are made of.
type world struct {
	Settings
	money  money.Table
	venues []venue
	acts   []act
	byKind map[string][]int // acts of a category
}

// dice returns the random numbers of one thing: each has a stream of its own, so that one more draw here changes nothing there.
func (s Settings) dice(what, n uint64) *rand.Rand { return rand.New(rand.NewPCG(s.Seed, what<<56|n)) }

// The streams.
const (
	diceVenues = iota + 1
	diceActs
	diceQuotas
	diceEvents
)

func newWorld(s Settings) (*world, error) {
	w := &world{Settings: s, byKind: map[string][]int{}}
	var err error
	if w.money, err = money.Load(); err != nil {
		return nil, err
	}
	places, err := loadCities()
	if err != nil {
		return nil, err
	}
	speech, err := loadLanguages()
	if err != nil {
		return nil, err
	}
	w.makeVenues(places, speech)
	w.makeActs(speech)
	w.shareEvents()
	return w, nil
}

// onSale spreads the events that are on sale evenly over all.
func (w *world) onSale(n int) bool { return (n+1)*w.OnSale/w.Events > n*w.OnSale/w.Events }
