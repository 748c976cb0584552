package fallback_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/id"
	"usher/internal/testenv"
	"usher/search"
	"usher/search/elastic"
	"usher/search/fallback"
	"usher/search/pgtext"
	"usher/search/searchtest"
	"usher/search/searchtest/pgtown"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

var key = []byte("a key of the test's own")

// patience bounds what a test waits for.
const patience = time.Minute

// weather stands between us and Elasticsearch, and may be bad.
type weather struct {
	t     *testing.T
	url   string
	asked atomic.Int64
	mu    sync.Mutex // guards how
	how   http.HandlerFunc
	good  http.HandlerFunc
	ended chan struct{} // closed: nobody hangs any more
}

func newWeather(t *testing.T, server string) *weather {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	w := &weather{t: t, good: proxy.ServeHTTP, ended: make(chan struct{})}
	w.set(w.good)
	front := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		w.mu.Lock()
		how := w.how
		w.mu.Unlock()
		how(out, r)
	}))
	w.url = front.URL
	t.Cleanup(front.Close)
	t.Cleanup(func() { close(w.ended) }) // before that
	return w
}

func (w *weather) set(how http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.how = how
}

// says answers everything with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		out.WriteHeader(status)
		_, _ = io.WriteString(out, body)
	}
}

// hangs takes a request and does not answer, as a paused process does.
func (w *weather) hangs(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-w.ended:
	case <-r.Context().Done():
	}
}

// resets cuts the connection, with or without the beginning of an answer.
func resets(beginning string) http.HandlerFunc {
	return func(out http.ResponseWriter, _ *http.Request) {
		conn, _, err := out.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, beginning)
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

// endless sends what never is a whole answer.
func endless(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(out, `{"responses":[{"hits":{"hits":[{"_source":{"name":"`)
	for chunk := bytes.Repeat([]byte("x"), 1<<20); r.Context().Err() == nil; {
		if _, err := out.Write(chunk); err != nil {
			return
		}
	}
}

// shop is a catalog with both engines, and bad weather between us and one of them.
type shop struct {
	weather  *weather
	first    *elastic.Engine
	second   *pgtext.Engine
	together func(c fallback.Config) *fallback.Engine
}

func newShop(t *testing.T) *shop {
	t.Helper()
	server, prefix := testenv.Indices(t)
	w := newWeather(t, server)
	town := pgtown.New(t)
	c, err := elastic.Open([]string{w.url}, prefix)
	must(t, err)
	town.Put(t, catalog())
	name, err := c.NewIndex(t.Context())
	must(t, err)
	refused, err := c.Put(t.Context(), name, town.Documents(t))
	if err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
	must(t, c.Refresh(t.Context(), name))
	must(t, c.Switch(t.Context(), name))
	s := &shop{weather: w, first: elastic.New(c, key, town.Stock.Fill), second: pgtext.New(town.Pool(), key)}
	s.together = func(c fallback.Config) *fallback.Engine { return fallback.New(c, s.first, s.second) }
	return s
}

// catalog is 30 nights of two acts in one hall.
func catalog() searchtest.Catalog {
	c := searchtest.Catalog{
		Venues:     []searchtest.Venue{{Key: "hall", Name: "The Lantern", City: "Toronto", Country: "CA", Location: "Toronto, Canada", Zone: "America/Toronto"}},
		Performers: []searchtest.Performer{{Key: "owls", Name: "The Copper Owls"}, {Key: "soma", Name: "Soma"}},
	}
	for i := range 30 {
		c.Events = append(c.Events, searchtest.Event{Key: fmt.Sprint("e", i), Name: "Night", Venue: "hall", Performers: []string{[]string{"owls", "soma"}[i%2]},
			Start: time.Now().UTC().Truncate(time.Hour).AddDate(0, 0, i+1), Low: 1000, High: 2000, OnSale: true})
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, why string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not come about that %s", why)
		}
	}
}

func ids(p search.Page) (out []id.Event) {
	for _, h := range p.Events {
		out = append(out, h.ID)
	}
	return out
}

// TestABrokenElasticsearchIsMadeUpForByPostgres: whatever it does, every search is answered, and marked; when it is well again, it answers again.
func TestABrokenElasticsearchIsMadeUpForByPostgres(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	q := search.Query{Text: "owls", Sort: search.ByRelevance, PageSize: 10, Facets: true}
	want, err := s.second.Search(t.Context(), q)
	must(t, err)
	if len(want.Events) != 10 || want.Total != 15 {
		t.Fatalf("%d events of %d", len(want.Events), want.Total)
	}
	g := s.together(fallback.Config{Wait: patience, Pause: 50 * time.Millisecond})
	recovers := func(why string) {
		s.weather.set(s.weather.good)
		eventually(t, "Elasticsearch answers after "+why, func() bool {
			page, err := g.Search(t.Context(), q)
			must(t, err)
			if fmt.Sprint(ids(page)) != fmt.Sprint(ids(want)) || page.Total != want.Total {
				t.Fatalf("after %s: %v of %d", why, ids(page), page.Total)
			}
			return !page.Degraded
		})
	}
	recovers("nothing")
	bare := q // without facets a hit is all that an answer needs
	bare.Facets = false
	s.weather.set(finds(hit(members("17m00001", "Europe/London"), `[1,1,"x"]`))) // the control: this is one
	if page, err := g.Search(t.Context(), bare); err != nil || page.Degraded || len(page.Events) != 1 || page.Events[0].Name != "A name" {
		t.Fatalf("what is a hit is none: %+v, %v", page, err)
	}
	for why, how := range map[string]http.HandlerFunc{
		"an error":                says(500, `{"error":{"type":"x","reason":"y"},"status":500}`),
		"too many requests":       says(429, `{"error":{"type":"es_rejected_execution_exception"}}`),
		"no index":                says(404, `{"error":{"type":"index_not_found_exception"}}`),
		"no right":                says(401, ``),
		"garbage":                 says(200, "\x00\xff<html>"),
		"half an answer":          says(200, `{"responses":[{"hits":{"total":{"value":15,"rel`),
		"nothing":                 says(200, ``),
		"null":                    says(200, `null`),
		"no answers":              says(200, `{"responses":[]}`),
		"answers to other things": says(200, `{"responses":[{},{},{}]}`),
		"null answers":            says(200, `{"responses":[null,null]}`),
		"answers without hits":    says(200, `{"responses":[{"_shards":{"total":1,"failed":0}},{"_shards":{"total":1,"failed":0}}]}`),
		"hits that are null":      finds(`{"total":{"value":1,"relation":"eq"},"hits":[null]}`),
		"a total below nothing":   finds(`{"total":{"value":-1,"relation":"eq"},"hits":[]}`),
		"answers without totals":  finds(`{"hits":[]}`),
		"a part of the answers":   says(200, `{"responses":[{"timed_out":true,"_shards":{"total":1},"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}},{"timed_out":true,"_shards":{"total":1},"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}}]}`),
		"a shard that failed":     says(200, `{"responses":[{"_shards":{"total":2,"failed":1},"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}},{"_shards":{"total":2,"failed":1},"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}}]}`),
		"hits that show nothing":  finds(`{"total":{"value":1,"relation":"eq"},"hits":[{"sort":[1,1,"x"]}]}`),
		"hits that are no base64": finds(`{"total":{"value":1,"relation":"eq"},"hits":[{"fields":{"shown":["%"]},"sort":[1,1,"x"]}]}`),
		"hits of too few members": finds(hit(`["17m00001"]`, `[1,1,"x"]`)),
		"hits without a place":    finds(hit(members("17m00001", "Europe/London"), `[]`)),
		"hits of other documents": finds(hit(members("../etc", "Europe/London"), `[1,1,"x"]`)),
		"hits of no zone":         finds(hit(members("17m00001", "../etc"), `[1,1,"x"]`)),
		"an error in an answer":   says(200, `{"responses":[{"error":{"type":"x","reason":"y"},"status":400},{"error":{"type":"x","reason":"y"},"status":400}]}`),
		"another server":          http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound).ServeHTTP,
		"a reset":                 resets(""),
		"a reset in the middle":   resets("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"responses\":["),
		"an endless answer":       endless,
	} {
		s.weather.set(how)
		for n := range 7 { // until the breaker is open, and beyond
			ask := q
			if n%2 == 0 {
				ask = bare
			}
			page, err := g.Search(t.Context(), ask)
			if err != nil || !page.Degraded || fmt.Sprint(ids(page)) != fmt.Sprint(ids(want)) || page.Total != want.Total {
				t.Fatalf("%s: %v of %d, degraded %t, %v", why, ids(page), page.Total, page.Degraded, err)
			}
		}
		if found, err := g.Suggest(t.Context(), "cop", 5); err != nil || len(found.List) != 1 || !found.Degraded {
			t.Errorf("%s: suggestions %+v, %v", why, found, err)
		}
		recovers(why)
	}
}

// hit is the one hit of an answer, with what it shows.
func hit(shown, sort string) string {
	return `{"total":{"value":1,"relation":"eq"},"hits":[{"fields":{"shown":["` + base64.StdEncoding.EncodeToString([]byte(shown)) + `"]},"sort":` + sort + `}]}`
}

// members is what an index keeps to show of an event.
func members(event, zone string) string {
	return fmt.Sprintf(`[%q,"A name","","","Somebody",1,2,"v","Hall","London","London","GB",null,null,%q,1,2,"GBP",10,true,true]`, event, zone)
}

// finds answers each question with the same hits.
func finds(hits string) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		questions := bytes.Count(body, []byte("\n")) / 2
		one := `{"_shards":{"total":1,"failed":0},"hits":` + hits + `}`
		says(200, `{"responses":[`+one+strings.Repeat(","+one, max(questions, 1)-1)+`]}`)(out, r)
	}
}

// A server that is paused takes connections and does not answer. The breaker keeps searches from waiting for it: once it is open, it is not asked
// any more, but for one search a pause. The control has no breaker: every search waits.
func TestAPausedElasticsearchIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	asked := func(failures int) int64 {
		g := s.together(fallback.Config{Wait: 50 * time.Millisecond, Failures: failures, Pause: time.Hour})
		s.weather.set(s.weather.hangs)
		before := s.weather.asked.Load()
		for range 20 {
			if page, err := g.Search(t.Context(), search.Query{}); err != nil || !page.Degraded || len(page.Events) != 20 {
				t.Fatalf("%d events, degraded %t, %v", len(page.Events), page.Degraded, err)
			}
		}
		return s.weather.asked.Load() - before
	}
	if n := asked(3); n > 3 {
		t.Errorf("a paused server was asked %d times, want 3", n)
	}
	if n := asked(1000); n <= 3 {
		t.Errorf("without the breaker it was asked %d times only: the test proves nothing", n)
	}
}

// TestPagesFollowEachOtherThroughAnOutage: an order by date goes on with the other engine, without skips and repeats. One by relevance is the engine's own: begun in
// Postgres it is finished there, begun in Elasticsearch it is refused while that is away.
func TestPagesFollowEachOtherThroughAnOutage(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	g := s.together(fallback.Config{Wait: patience, Failures: 1000})
	broken := says(500, `{}`)
	read := func(q search.Query, weather ...http.HandlerFunc) (all []id.Event, degraded []bool, err error) {
		for _, how := range weather {
			s.weather.set(how)
			page, err := g.Search(t.Context(), q)
			if err != nil {
				return all, degraded, err
			}
			all, degraded = append(all, ids(page)...), append(degraded, page.Degraded)
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
		return all, degraded, nil
	}
	good := s.weather.good
	byDate := search.Query{Sort: search.ByDate, PageSize: 8}
	want, _, err := read(byDate, good, good, good, good)
	must(t, err)
	got, degraded, err := read(byDate, good, broken, good, broken)
	if fmt.Sprint(got) != fmt.Sprint(want) || len(want) != 30 || fmt.Sprint(degraded) != "[false true false true]" || err != nil {
		t.Errorf("by date: %v, want %v; degraded %v, %v", got, want, degraded, err)
	}
	byFit := search.Query{Text: "night", Sort: search.ByRelevance, PageSize: 8}
	if got, degraded, err = read(byFit, broken, good, good, good); len(got) != 30 || fmt.Sprint(degraded) != "[true true true true]" || err != nil {
		t.Errorf("by relevance, begun in Postgres: %d events, degraded %v, %v", len(got), degraded, err)
	}
	if _, _, err = read(byFit, good, broken); !errors.Is(err, search.ErrBadCursor) {
		t.Errorf("by relevance, begun in Elasticsearch: %v", err)
	}
}

// TestHitsAreThereWithoutPostgres: Elasticsearch finds, Postgres is away: the page says since when it does not know what is left.
func TestHitsAreThereWithoutPostgres(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	eventually(t, "a busy Postgres counts in time", func() bool {
		page, err := s.first.Search(t.Context(), search.Query{Tickets: true})
		return err == nil && page.LeftAge == 0 && len(page.Events) == 20 && len(page.Events[0].Tickets) == 4
	})
	var asked int
	away := elastic.New(s.first.Client, key, func(context.Context, []search.Hit, bool) error { asked++; return errors.New("away") })
	for range 3 {
		page, err := away.Search(t.Context(), search.Query{Tickets: true, Available: true})
		if err != nil || page.LeftAge <= 0 || page.Degraded || len(page.Events) != 20 {
			t.Fatalf("%d events, left %s ago, %v", len(page.Events), page.LeftAge, err)
		}
		for _, h := range page.Events {
			if h.Availability != "many" || len(h.Tickets) > 0 {
				t.Errorf("%s: %s, %d tickets", h.ID, h.Availability, len(h.Tickets))
			}
		}
	}
	if asked > 2 {
		t.Errorf("Postgres was asked %d times in no time", asked)
	}
}
