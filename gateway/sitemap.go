package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/singleflight"

	"usher/catalog"
	"usher/internal/id"
	"usher/internal/problem"
)

const (
	partEvents  = 10_000              // of a part of the site map; the protocol allows 50,000 and 50 MB: these are 1.2 MB
	mostParts   = 50_000              // of the index, by the protocol
	mapFresh    = 10 * time.Minute    // how long a part is kept before it is made anew
	listedAfter = 14 * 24 * time.Hour // how long an event is listed after its end
	mapReach    = 31 * 24 * time.Hour // how far back months are looked at: an event takes at most 14 days
	mapBytes    = 16 << 20            // of parts kept, compressed: about 200
	mapMakers   = 2                   // parts that are made at once
	mapTime     = callTime / 2        // to make one: an index and a part are made within a call; among 200,000 events it takes 14 ms
)

// mapMade counts what was read and written anew.
var mapMade = metrics.NewCounter("usher_sitemap_parts_total")

// siteMaps keeps the index and the parts, compressed. A part is a range of ids, month by month, so it never gets an event of another: ids are given once
// and for all. That makes an event's part, and all others, stay as they are when events are added.
type siteMaps struct {
	source Sitemap
	url    string // public, escaped
	now    func() time.Time
	makers chan struct{} // holds a token for each part that is made
	flight singleflight.Group

	mu   sync.Mutex // guards all below
	kept map[string]*siteMap
	size int
}

// siteMap is a document as it is kept. It does not change.
type siteMap struct {
	zipped []byte
	tag    string // of the text, without quotes
	months []catalog.Month
	until  time.Time
}

func newSiteMaps(source Sitemap, publicURL string) *siteMaps {
	var escaped bytes.Buffer
	_ = xml.EscapeText(&escaped, []byte(publicURL)) // a buffer takes all
	return &siteMaps{source: source, url: escaped.String(), now: time.Now, makers: make(chan struct{}, mapMakers), kept: map[string]*siteMap{}}
}

// get returns a document, made anew when it is old, once for all who ask. While the store is away an old one will do. Whoever asked first makes it for the
// others too: it has a time of its own, whatever becomes of his call.
func (m *siteMaps) get(ctx context.Context, name string, write func(context.Context) (*siteMap, []byte, error)) (doc *siteMap, stale bool, err error) {
	old, fresh := m.find(name)
	if fresh {
		return old, false, nil
	}
	made, err, _ := m.flight.Do(name, func() (any, error) {
		if doc, fresh := m.find(name); fresh { // made after we had looked
			return doc, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mapTime)
		defer cancel()
		select {
		case m.makers <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-m.makers }()
		doc, text, err := write(ctx)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		doc.zipped = fasthttp.AppendGzipBytesLevel(nil, text, fasthttp.CompressDefaultCompression)
		doc.tag, doc.until = base64.RawURLEncoding.EncodeToString(sum[:12]), m.now().Add(mapFresh)
		mapMade.Inc()
		m.keep(name, doc)
		return doc, nil
	})
	if err != nil {
		return old, old != nil, err
	}
	doc, _ = made.(*siteMap)
	return doc, false, nil
}

// find returns a document that is kept, nil if none is.
func (m *siteMaps) find(name string) (doc *siteMap, fresh bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	doc = m.kept[name]
	return doc, doc != nil && m.now().Before(doc.until)
}

// keep remembers a document. Others go, in no order, when there are too many: making one again costs little.
func (m *siteMaps) keep(name string, doc *siteMap) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.kept[name]; old != nil {
		m.size -= len(old.zipped)
	}
	m.kept[name] = doc
	m.size += len(doc.zipped)
	for other, o := range m.kept {
		if m.size <= mapBytes {
			return
		}
		if other != name && other != indexName {
			m.size -= len(o.zipped)
			delete(m.kept, other)
		}
	}
}

const (
	indexName = ""
	mapHead   = xml.Header + `<%s xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + "\n"
)

// index lists the parts.
func (m *siteMaps) index(ctx context.Context) (*siteMap, bool, error) {
	return m.get(ctx, indexName, func(ctx context.Context) (*siteMap, []byte, error) {
		from, err := id.MonthOf(m.now().Add(-mapReach))
		if err != nil {
			return nil, nil, err
		}
		months, err := m.source.Months(ctx, from)
		if err != nil {
			return nil, nil, err
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, mapHead, "sitemapindex")
		n := 0
		for _, month := range months {
			for page := 0; page <= month.Last/partEvents && n < mostParts; page++ {
				fmt.Fprintf(&b, "<sitemap><loc>%s/sitemaps/%s</loc></sitemap>\n", m.url, partName(month.Month, page))
				n++
			}
		}
		b.WriteString("</sitemapindex>\n")
		return &siteMap{months: months}, b.Bytes(), nil
	})
}

// part lists the events of a month's page.
func (m *siteMaps) part(ctx context.Context, name string) (*siteMap, bool, error) {
	month, page, ok := parsePart(name)
	if !ok {
		return nil, false, errNoPart
	}
	index, _, err := m.index(ctx)
	if index == nil {
		return nil, false, err
	}
	if !holds(index.months, month, page) {
		return nil, false, errNoPart
	}
	return m.get(ctx, name, func(ctx context.Context) (*siteMap, []byte, error) {
		from, before := pageIDs(month, page)
		events, err := m.source.Listed(ctx, from, before, m.now().Add(-listedAfter).Truncate(24*time.Hour))
		if err != nil {
			return nil, nil, err
		}
		var b bytes.Buffer
		fmt.Fprintf(&b, mapHead, "urlset")
		for _, e := range events {
			b.WriteString("<url><loc>")
			b.WriteString(m.url)
			b.WriteString("/events/")
			b.WriteString(e.Event.String())
			b.WriteString("</loc><lastmod>")
			b.WriteString(e.Updated.UTC().Format(time.RFC3339))
			b.WriteString("</lastmod></url>\n")
		}
		b.WriteString("</urlset>\n")
		return &siteMap{}, b.Bytes(), nil
	})
}

var errNoPart = problem.New("not-found", "there is no such part of the site map")

// holds reports whether a page of a month has numbers that were given.
func holds(months []catalog.Month, month, page int) bool {
	for _, m := range months {
		if m.Month == month {
			return page <= m.Last/partEvents
		}
	}
	return false
}

// pageIDs is the range of ids of a page, the second one excluded.
func pageIDs(month, page int) (from, before id.Event) {
	first := id.Event(month) * id.MaxSequence
	return first + id.Event(page*partEvents), first + id.Event(min((page+1)*partEvents, id.MaxSequence))
}

// partName is that of a page, from 0, of a month: "2027-02-1.xml" is the first one.
func partName(month, page int) string {
	return fmt.Sprintf("%04d-%02d-%d.xml", 2000+month/12, month%12+1, page+1)
}

// parsePart reads a name. Each part has one name only.
func parsePart(name string) (month, page int, ok bool) {
	text, isXML := strings.CutSuffix(name, ".xml")
	day, number, found := cutLast(text)
	t, err1 := time.Parse("2006-01", day)
	page, err2 := strconv.Atoi(number)
	if !isXML || !found || err1 != nil || err2 != nil || t.Year() < 2000 || page < 1 || page > id.MaxSequence/partEvents+1 {
		return 0, 0, false
	}
	month, page = (t.Year()-2000)*12+int(t.Month())-1, page-1
	return month, page, month <= id.MaxMonth && partName(month, page) == name
}

func cutLast(s string) (head, tail string, found bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// getSiteMap is the index of the site map.
func (s *Server) getSiteMap(c *call) error { return c.siteMap(s.maps.index(c.context())) }

// getSiteMapPart is one part of it.
func (s *Server) getSiteMapPart(c *call) error {
	return c.siteMap(s.maps.part(c.context(), c.params[0]))
}

// siteMap answers with a document, compressed for whoever can read that.
func (c *call) siteMap(doc *siteMap, stale bool, err error) error {
	if doc == nil {
		return err
	}
	if stale {
		c.set("Usher-Degraded", "stale")
	}
	c.set("Cache-Control", "public, max-age=3600")
	c.out.Add("Vary", "Accept-Encoding")
	zipped := c.in.HasAcceptEncoding("gzip")
	tag := `"` + doc.tag + `"`
	if zipped {
		tag = `"` + doc.tag + `-gzip"`
	}
	c.set("ETag", tag)
	if hasTag(c.in.Peek("If-None-Match"), tag) {
		return c.empty(304)
	}
	body := doc.zipped
	if zipped {
		c.set("Content-Encoding", "gzip")
	} else if body, err = fasthttp.AppendGunzipBytes(nil, body); err != nil {
		return fmt.Errorf("site map: %w", err)
	}
	c.body(200, "application/xml; charset=utf-8", body)
	return nil
}

// getRobots tells crawlers where the site map is, and what is none of theirs: what belongs to one visitor, and what costs a search.
func (s *Server) getRobots(c *call) error {
	c.set("Cache-Control", "public, max-age=3600")
	c.body(200, "text/plain; charset=utf-8", []byte("User-agent: *\nDisallow: /api/\nDisallow: /booking/\nDisallow: /checkout/\nDisallow: /events.ics\n"+
		"Disallow: /language\nDisallow: /rooms/\nDisallow: /sandbox/\n\nSitemap: "+oneLine(s.PublicURL)+"/sitemap.xml\n"))
	return nil
}
