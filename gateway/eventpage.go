package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"usher/catalog"
	"usher/gateway/lang"
	"usher/gateway/page"
	"usher/images"
)

// eventPage is an event as a fan sees it. It is the same for every visitor who reads the same language.
type eventPage struct {
	*catalog.Show
	lang       *lang.Lang
	Start, End time.Time // in the zone of the venue
	State      string    // "sale", "soldout", "soon" (not on sale yet) or "over"
	Levels     []eventLevel
	Price      string // from – to; empty: no price is known
	Map        template.URL
	Art        artwork
	Data       eventData
	Preview    string // address of the event's own picture for others; the page may not load it
	Image      *eventImage
}

// getEventPage shows an event, and the one way on that there is: the waiting room, or the seats.
func (s *Server) getEventPage(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	show, err := s.Catalog.Show(c.context(), e)
	if err != nil {
		return err
	}
	data := s.newEventPage(c.language(), show, time.Now())
	c.set("Cache-Control", briefly)
	if show.Stale > 0 {
		c.set("Usher-Degraded", "stale")
		c.set("Age", strconv.Itoa(seconds(show.Stale)))
	}
	f := page.Frame{Title: show.Name, Description: data.summary(), Canonical: data.Data.URL, Index: true, Data: data}
	if err := c.page(200, "event", f); err != nil {
		return err
	}
	return c.tagged()
}

// tagged gives an answer an ETag of its bytes, which differ by language and encoding as they must for a strong tag, and answers 304 to whoever
// has them.
func (c *call) tagged() error {
	sum := sha256.Sum256(c.http.Response.Body())
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	c.set("ETag", tag)
	if !hasTag(c.in.Peek("If-None-Match"), tag) {
		return nil
	}
	c.out.Del("Content-Encoding")
	return c.empty(304)
}

// getEventCalendar is the event for a fan's calendar.
func (s *Server) getEventCalendar(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	show, err := s.Catalog.Show(c.context(), e)
	if err != nil {
		return err
	}
	c.set("Cache-Control", "public, max-age=60")
	c.calendar(show, s.PublicURL+"/events/"+e.String(), show.Details)
	return nil
}

func (s *Server) newEventPage(l *lang.Lang, show *catalog.Show, now time.Time) *eventPage {
	p := &eventPage{Show: show, lang: l, Start: show.Start.In(show.Venue.Zone), End: show.End.In(show.Venue.Zone), Art: draw(show.Event.String(), show.Performer)}
	p.Levels = levelsOf(l, show)
	from, to := priceRange(p.Levels)
	p.Price = prices(l, from, to, show.Currency)
	switch {
	case !now.Before(show.End):
		p.State = "over"
	case !show.OnSale:
		p.State = "soon"
	case show.Free() == 0:
		p.State = "soldout"
	default:
		p.State = "sale"
	}
	if lat, lon := show.Venue.Latitude, show.Venue.Longitude; lat != nil && lon != nil {
		p.Map = template.URL(fmt.Sprintf("geo:%.6f,%.6f", *lat, *lon)) // numbers only: nothing that somebody has typed
	}
	p.Image = s.imageOf(show.ImageURL)
	if p.Image != nil || strings.HasPrefix(show.ImageURL, "https://") {
		p.Preview = s.Site.URL(show.ImageURL, images.Wide)
	}
	p.Data = p.structured(s.PublicURL)
	return p
}

// Guarded reports whether the way to the seats leads through a waiting room.
func (p *eventPage) Guarded() bool { return p.Room != nil && p.Room.Active }

// Pending reports whether seats that are taken may come back soon: they are held, or being paid for.
func (p *eventPage) Pending() bool { return p.Count[1]+p.Count[2] > 0 }

// Others are the performers beside the headliner.
func (p *eventPage) Others() (names []string) {
	for _, o := range p.Performers {
		if o.Name != p.Performer {
			names = append(names, o.Name)
		}
	}
	return names
}

// Stock says how much of the whole event there is.
func (p *eventPage) Stock() stock { return stockOf(p.Free(), p.Capacity()) }

// Ends is when it ends: the time of day, with its day when that is another.
func (p *eventPage) Ends() string {
	if p.Start.YearDay() == p.End.YearDay() && p.Start.Year() == p.End.Year() {
		return p.lang.Clock(p.End)
	}
	return p.lang.T("event.at", "date", p.lang.ShortDate(p.End), "time", p.lang.Clock(p.End))
}

// Zone is the short name of the venue's zone on that day: "EDT".
func (p *eventPage) Zone() string { return p.Start.Format("MST") }

// summary is the event in one sentence, for search engines and previews.
func (p *eventPage) summary() string {
	key := "event.summary"
	if p.Price != "" {
		key = "event.summary.price"
	}
	return p.lang.T(key, "name", p.Name, "date", p.lang.Date(p.Start), "venue", p.Venue.Name, "place", p.Venue.Location, "price", p.Price)
}
