package apptest

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/testenv"
)

// awayRow is one row of the table in docs/failures.md: which stores are away, and what is answered meanwhile, by the table's columns.
type awayRow struct {
	away    []string
	answers map[string]string
}

// answer is what is answered to one kind of request. A cell may tell the faults apart: "200; paused: 200 line-frozen".
func (r awayRow) answer(column string, f fault) string {
	if column == "search" && !testenv.Engines() {
		column = "search in Postgres alone"
	}
	usual, special, _ := strings.Cut(r.answers[column], "; ")
	if word, found := strings.CutPrefix(special, f.name+": "); found {
		return word
	}
	return usual
}

// awayTable reads the table.
func awayTable(t *testing.T) (rows []awayRow) {
	t.Helper()
	f, err := os.Open("../../docs/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var columns []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		cells := strings.Split(strings.Trim(lines.Text(), "| "), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == "away":
			columns = cells
		case len(columns) == 0 || strings.HasPrefix(cells[0], "---"):
		case len(cells) != len(columns):
			return rows
		default:
			row := awayRow{away: strings.Split(cells[0], ", "), answers: map[string]string{}}
			for i, name := range columns[1:] {
				row.answers[name] = cells[i+1]
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// word is an answer as the table words it: the status, and the problem or what is degraded.
func (a Answer) word() string {
	word := fmt.Sprint(a.Status)
	if p := a.Problem(); p != "" {
		return word + " " + p
	}
	if d := a.Header.Get("Usher-Degraded"); d != "" {
		return word + " " + d
	}
	if a.Status == 0 {
		return "none: " + string(a.Raw)
	}
	return word
}

// answers are those to one kind of request since the last reset.
type answers struct {
	mu    sync.Mutex // guards both
	words map[string]int
	took  []time.Duration
}

func (a *answers) add(word string, took time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.words[word]++
	a.took = append(a.took, took)
}

// reset returns what was counted, with the 99th percentile of the times.
func (a *answers) reset() (words map[string]int, p99 time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	words = a.words
	if slices.Sort(a.took); len(a.took) > 0 {
		p99 = a.took[len(a.took)*99/100]
	}
	a.words, a.took = map[string]int{}, nil
	return words, p99
}

// readers asks 200 times a second, whether earlier questions have been answered or not.
type readers struct {
	asks map[string]func() Answer
	got  map[string]*answers
	stop chan struct{} // closed when no more is to be asked
	all  sync.WaitGroup
}

func startReaders(asks map[string]func() Answer) *readers {
	r := &readers{asks: asks, got: map[string]*answers{}, stop: make(chan struct{})}
	for name := range asks {
		r.got[name] = &answers{words: map[string]int{}}
	}
	r.all.Go(func() {
		names := slices.Sorted(maps.Keys(asks))
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-r.stop:
				return
			case <-tick.C:
			}
			name := names[i%len(names)]
			r.all.Go(func() {
				began := time.Now()
				a := r.asks[name]()
				r.got[name].add(a.word(), time.Since(began))
			})
		}
	})
	return r
}

func (r *readers) end() { close(r.stop); r.all.Wait() }

// fault is a way to take stores away and to bring them back.
type fault struct {
	name       string
	take, back func(*testenv.Own)
}

var faults = []fault{
	{"killed", (*testenv.Own).Kill, (*testenv.Own).Start},
	{"paused", (*testenv.Own).Pause, (*testenv.Own).Resume},
}

// One store at a time is a test, without Elasticsearch in `make test`, and where Elasticsearch matters in `make engines`. Two at a time are a proof, with
// all four: `make prove`. They run alone: what the absence of a store costs is to be seen, not what other tests cost.
func TestReadingGoesOnWhileStoresAreAway(t *testing.T) {
	rows := awayTable(t)
	if len(rows) != 10 {
		t.Fatalf("docs/failures.md says what is answered in %d rows, want 4 stores and 6 pairs", len(rows))
	}
	for _, row := range rows {
		with, proof := testenv.Engines(), os.Getenv("USHER_PROVE") != ""
		switch {
		case slices.Contains(row.away, "Elasticsearch") && !with:
			continue
		case !proof && len(row.away) > 1:
			continue
		case !proof && with && row.away[0] != "Elasticsearch" && row.away[0] != "Postgres":
			continue
		}
		for _, f := range faults {
			t.Run(strings.Join(row.away, ", ")+" "+f.name, func(t *testing.T) {
				s := Start(t, Options{Catalog: eventOf(200), Rooms: roomOf(8), Own: true})
				for _, wrong := range s.takeAway(t, row, f) {
					t.Error(wrong)
				}
			})
		}
	}
}

// A table that says that nothing of Redis is missed is found to be wrong, where it is wrong.
func TestControlWhatIsAnsweredWithoutRedisIsHeldToTheTable(t *testing.T) {
	s := Start(t, Options{Catalog: eventOf(200), Rooms: roomOf(8), Own: true})
	wrong := s.takeAway(t, awayRow{away: []string{"Redis"}, answers: map[string]string{"event view": "200", "search": "200", "search in Postgres alone": "200", "poll": "200", "hold": "201"}}, faults[0])
	for _, call := range []string{"hold: ", "poll: "} { // on a busy machine a view may be stale besides
		if !slices.ContainsFunc(wrong, func(w string) bool { return strings.HasPrefix(w, call) }) {
			t.Errorf("found wrong: %q, want the holds and the polls", wrong)
		}
	}
}

// takeAway takes stores away under reads, brings them back, and waits until all is as before. It returns which answers were not those of the row.
func (s *System) takeAway(t *testing.T, row awayRow, f fault) (wrong []string) {
	t.Helper()
	event := s.EventID()
	var buyers []*Fan
	for range 8 {
		b := NewFan(t, client, s.Public[0])
		b.Join("room")
		if !b.Enter("room", 20*time.Second) {
			t.Fatal("nobody is let in")
		}
		buyers = append(buyers, b)
	}
	var crowd []*Fan
	for range 30 { // each may poll 20 times a second
		f := NewFan(t, client, s.Public[0])
		f.Join("room")
		crowd = append(crowd, f)
	}
	var asked atomic.Int64
	waiting := func() *Fan { return crowd[int(asked.Add(1))%len(crowd)] }
	tickets, _ := buyers[0].Tickets(event)
	reads := startReaders(map[string]func() Answer{
		"event view": func() Answer { return waiting().Do("GET", "/api/v1/events/"+event, nil) },
		"search":     func() Answer { return waiting().Do("GET", "/api/v1/events/search?q=concert", nil) },
		"poll":       func() Answer { return waiting().Do("GET", "/api/v1/rooms/room/place", nil) },
	})
	ended := false
	defer func() {
		if !ended {
			reads.end()
		}
	}()
	s.ordinary(t, reads)
	for _, name := range row.away {
		if s.Stores[name] == nil {
			t.Fatalf("docs/failures.md names a store %q", name)
		}
		f.take(s.Stores[name])
	}
	seat := 0
	hold := func() string { seat++; return buyers[seat%len(buyers)].Hold(event, tickets[seat]).word() }
	time.Sleep(5 * time.Second) // in which it is noticed
	for name, got := range reads.got {
		words, p99 := got.reset()
		t.Logf("%s, in the first seconds: %v, p99 %s", name, words, p99)
	}
	holds := map[string]int{}
	for range 4 {
		holds[hold()]++
		time.Sleep(time.Second)
	}
	if want := row.answer("hold", f); len(holds) != 1 || holds[want] == 0 {
		wrong = append(wrong, fmt.Sprintf("hold: answered %v, want %s", holds, want))
	}
	for name, got := range reads.got {
		words, p99 := got.reset()
		t.Logf("%s, then: %v, p99 %s", name, words, p99)
		if want := row.answer(name, f); !held(want, words) {
			wrong = append(wrong, fmt.Sprintf("%s: answered %v, want %s", name, words, want))
		}
	}
	began := time.Now()
	for _, name := range row.away {
		f.back(s.Stores[name])
	}
	back := time.Now()
	s.asBefore(t, reads, buyers, tickets[100:])
	t.Logf("as before %s after the stores were back, which took %s", time.Since(back).Round(10*time.Millisecond), back.Sub(began).Round(10*time.Millisecond))
	ended = true
	reads.end()
	s.CheckTruth()
	slices.Sort(wrong)
	return wrong
}

// held reports whether answers are what the table says. Where that is an answer from a store that is there, a machine that is short of processor time may come too late to be sure
// that it is the newest, and says so: that is honest, as long as it is the exception.
func held(want string, words map[string]int) bool {
	all := 0
	for word, n := range words {
		if all += n; word != want && (want != "200" || word != "200 stale") {
			return false
		}
	}
	return words[want]*2 > all
}

func TestAnswersAreHeldToTheTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want  string
		words map[string]int
		held  bool
	}{
		{"200", map[string]int{"200": 9}, true}, {"200", map[string]int{"200": 6, "200 stale": 3}, true}, {"200", map[string]int{"200": 3, "200 stale": 6}, false},
		{"200", map[string]int{"200": 9, "503 store-unavailable": 1}, false}, {"200", map[string]int{"200 stale": 9}, false}, {"200", nil, false},
		{"200 stale", map[string]int{"200 stale": 9}, true}, {"200 stale", map[string]int{"200 stale": 9, "200": 1}, false},
	} {
		if held(c.want, c.words) != c.held {
			t.Errorf("%v where %s is told: held %t", c.words, c.want, !c.held)
		}
	}
}

// ordinary waits until everybody is answered as on an ordinary day, for half a second on end.
func (s *System) ordinary(t *testing.T, reads *readers) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; {
		for _, got := range reads.got {
			got.reset()
		}
		time.Sleep(500 * time.Millisecond)
		seen, well := map[string]map[string]int{}, true
		for name, got := range reads.got {
			seen[name], _ = got.reset()
			well = well && len(seen[name]) == 1 && seen[name]["200"] > 0
		}
		if well {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("for 60 s it was no ordinary day: %v", seen)
		}
	}
}

// asBefore waits until everybody is answered as on an ordinary day, and a seat can be bought.
func (s *System) asBefore(t *testing.T, reads *readers, buyers []*Fan, tickets []string) {
	t.Helper()
	s.ordinary(t, reads)
	event := s.EventID()
	for i, deadline := 0, time.Now().Add(40*time.Second); ; i++ {
		b := buyers[i%len(buyers)]
		h := b.Hold(event, tickets[i])
		if h.Status == http.StatusCreated || h.Status == http.StatusOK {
			if a := b.Book(fmt.Sprintf("again-%d", i), tickets[i]); a.Status == http.StatusCreated || a.Status == http.StatusAccepted {
				b.Confirm(a.Str("booking_id"), "tok_ok")
				if b.Settled(a.Str("booking_id"), time.Minute).Str("status") == "confirmed" {
					return
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("40 s after the stores were back nothing can be bought: %s", h)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
