package gateway

import (
	"context"
	"encoding/xml"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/catalog"
	"usher/internal/id"
)

func TestTheSiteMapLeadsToEveryEvent(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	if r := e.want(200, "", "GET", "/robots.txt", ""); !strings.Contains(r.raw, "\nSitemap: http://usher.test/sitemap.xml\n") || strings.Contains(r.raw, "Disallow: /events/") {
		t.Errorf("robots.txt: %s", r.raw)
	}
	var index struct {
		Parts []string `xml:"sitemap>loc"`
	}
	r := e.want(200, "", "GET", "/sitemap.xml", "", "Accept-Encoding", "identity")
	if err := xml.Unmarshal([]byte(r.raw), &index); err != nil || len(index.Parts) != 2 || index.Parts[1] != "http://usher.test/sitemaps/2026-06-2.xml" {
		t.Fatalf("%v %q", err, r.raw)
	}
	var part struct {
		Events []struct {
			Loc     string `xml:"loc"`
			Lastmod string `xml:"lastmod"`
		} `xml:"url"`
	}
	r = e.want(200, "", "GET", strings.TrimPrefix(index.Parts[1], "http://usher.test"), "", "Accept-Encoding", "identity")
	if err := xml.Unmarshal([]byte(r.raw), &part); err != nil || len(part.Events) != 2 {
		t.Fatalf("%v %q", err, r.raw)
	}
	want := "http://usher.test/events/" + event(partEvents+1).String()
	if got := part.Events[0]; got.Loc != want || got.Lastmod != "2026-06-11T12:00:00Z" {
		t.Errorf("%+v, want %s", got, want)
	}
	for _, bad := range []string{"2026-06-3.xml", "2026-07-1.xml", "2026-06-0.xml", "2026-06-01.xml", "2026-6-1.xml", "2026-06-1", "1999-12-1.xml", "9999-12-1.xml", "2026-06-+1.xml", "x", "2026-06-99999999999999999999.xml"} {
		e.want(404, "not-found", "GET", "/sitemaps/"+bad, "")
	}
	if len(e.maps.asked) != 1 {
		t.Errorf("parts that are none asked the store: %v", e.maps.asked)
	}
}

func TestPartsAreKeptAndTagged(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	path := "/sitemaps/" + partName(guarded.Month(), 0)
	tags := map[string]string{}
	for _, encoding := range []string{"identity", "gzip"} {
		for _, path := range []string{"/sitemap.xml", path} {
			r := e.want(200, "", "GET", path, "", "Accept-Encoding", encoding)
			tag := r.header.Get("ETag")
			if tag == "" || tags[tag] != "" || (r.header.Get("Content-Encoding") == "gzip") != (encoding == "gzip") || r.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s %s: %v", path, encoding, r.header)
			}
			tags[tag] = path
			if r := e.want(304, "", "GET", path, "", "Accept-Encoding", encoding, "If-None-Match", tag); r.raw != "" {
				t.Errorf("304 with a body: %q", r.raw)
			}
			e.want(200, "", "GET", path, "", "Accept-Encoding", encoding, "If-None-Match", `"other"`)
		}
	}
	if len(e.maps.asked) != 1 {
		t.Errorf("the part was made %d times", len(e.maps.asked))
	}
	e.maps.fail(booking.ErrStoreUnavailable)
	e.Server.maps.now = func() time.Time { return time.Now().Add(2 * mapFresh) }
	if r := e.want(200, "", "GET", path, "", "Accept-Encoding", "identity"); r.header.Get("Usher-Degraded") != "stale" || !strings.Contains(r.raw, "<loc>") {
		t.Errorf("an old part while the store is away: %v %s", r.header, r.raw)
	}
	e.want(503, "store-unavailable", "GET", "/sitemaps/"+partName(guarded.Month(), 1), "")
	e.maps.fail(nil)
	if r := e.want(200, "", "GET", path, "", "Accept-Encoding", "identity"); r.header.Get("Usher-Degraded") != "" || len(e.maps.asked) != 4 {
		t.Errorf("after that: %v, asked %d times", r.header, len(e.maps.asked))
	}
}

// Many who ask at once are one question, and what is kept is bounded.
func TestPartsAreMadeOnceAndBounded(t *testing.T) {
	t.Parallel()
	source := &bigMap{gate: make(chan struct{})}
	m := newSiteMaps(source, "https://a.example/?x&y")
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, _, err := m.part(t.Context(), "2026-06-1.xml"); err != nil {
				t.Error(err)
			}
		})
	}
	close(source.gate)
	wait.Wait()
	if source.listed != 1 {
		t.Errorf("made %d times", source.listed)
	}
	for page := range 400 {
		doc, _, err := m.part(t.Context(), partName(317, page))
		if err != nil {
			t.Fatal(err)
		}
		if len(doc.zipped) < 40_000 {
			t.Fatalf("a part of %d bytes proves nothing", len(doc.zipped))
		}
	}
	size := 0
	for _, doc := range m.kept {
		size += len(doc.zipped)
	}
	if size != m.size || size > mapBytes || m.kept[indexName] == nil {
		t.Errorf("%d parts of %d bytes are kept, counted as %d", len(m.kept), size, m.size)
	}
	if doc, _, err := m.part(t.Context(), "2031-01-1.xml"); !errors.Is(err, errNoPart) || doc != nil {
		t.Errorf("a month without events: %v", err)
	}
}

// Whoever asked first makes a part for all: it is made although his call has ended, and not for ever.
func TestAPartIsMadeAlthoughWhoAskedFirstHasGone(t *testing.T) {
	t.Parallel()
	source := &slowMap{gate: make(chan struct{}), asked: make(chan context.Context, 2)}
	m := newSiteMaps(source, "https://a.example")
	name := partName(guarded.Month(), 0)
	if _, _, err := m.index(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, leave := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	ask := func(ctx context.Context, who string) {
		wait.Go(func() {
			if doc, stale, err := m.part(ctx, name); doc == nil || stale || err != nil {
				t.Errorf("the %s is answered %v, stale %t, %v", who, doc, stale, err)
			}
		})
	}
	ask(first, "first")
	made := <-source.asked
	leave()
	for range 20 {
		ask(t.Context(), "next")
	}
	if end, limited := made.Deadline(); made.Err() != nil || !limited || time.Until(end) > mapTime {
		t.Errorf("the part is made in a call that has ended (%v), or for ever", made.Err())
	}
	close(source.gate)
	wait.Wait()
	if len(source.asked) != 0 {
		t.Error("the part was made twice")
	}
}

// slowMap answers for a part when it may, unless the call has ended.
type slowMap struct {
	fakeMap
	gate  chan struct{} // closed when it may answer
	asked chan context.Context
}

func (s *slowMap) Listed(ctx context.Context, from, before id.Event, since time.Time) ([]catalog.Listed, error) {
	s.asked <- ctx
	select {
	case <-s.gate:
		return s.fakeMap.Listed(ctx, from, before, since)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bigMap has full pages.
type bigMap struct {
	fakeMap
	gate   chan struct{} // closed when it may answer
	listed int           // guarded by mu
}

func (b *bigMap) Months(_ context.Context, _ int) ([]catalog.Month, error) {
	<-b.gate
	return []catalog.Month{{Month: 317, Last: 400*partEvents - 1}}, nil
}

func (b *bigMap) Listed(_ context.Context, from, before id.Event, _ time.Time) (out []catalog.Listed, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listed++
	for e := from; e < before; e++ {
		out = append(out, catalog.Listed{Event: e, Updated: noon.Add(time.Duration(uint64(e)*0x9e3779b97f4a7c15>>40) * time.Second)})
	}
	return out, nil
}

func TestPartNames(t *testing.T) {
	t.Parallel()
	for _, month := range []int{0, 11, 12, 317, 1199, id.MaxMonth} {
		for _, page := range []int{0, 1, 9, 10, 13_421} {
			name := partName(month, page)
			if m, p, ok := parsePart(name); m != month || p != page || !ok {
				t.Errorf("%s is read as %d %d %t", name, m, p, ok)
			}
			from, before := pageIDs(month, page)
			if from.Month() != month || before > id.Event(month+1)*id.MaxSequence || before-from > partEvents || page < 13_421 && before-from != partEvents {
				t.Errorf("%s is %d to %d", name, from, before)
			}
		}
	}
}

func FuzzPartNames(f *testing.F) {
	f.Add("2026-06-1.xml")
	f.Fuzz(func(t *testing.T, name string) {
		if month, page, ok := parsePart(name); ok && partName(month, page) != name {
			t.Errorf("%q is another name of %s", name, partName(month, page))
		}
	})
}
