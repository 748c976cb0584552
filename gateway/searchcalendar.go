package gateway

import (
	"html/template"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"usher/gateway/lang"
	"usher/search"
)

const (
	calendarEvents = 200 // of the calendar of a search
	calendarEvery  = "PT6H"
	calendarPath   = "/events.ics"
)

// getSearchCalendar is a search as a calendar to subscribe to: what the search page finds with the same parameters, the next 200 events by date. Where a page
// begins and how it is ordered has no meaning here.
func (s *Server) getSearchCalendar(c *call) error {
	args := c.http.QueryArgs()
	f, err := readSearchForm(func(name string) string {
		if name == "page_cursor" || name == "sort" {
			return ""
		}
		return string(args.Peek(name))
	}, time.Now())
	if err != nil {
		return err
	}
	q := f.query
	q.Sort, q.Facets, q.PageSize = search.ByDate, false, maxPage
	var hits []search.Hit
	for pages := 0; pages < 2*calendarEvents/maxPage && len(hits) < calendarEvents; pages++ { // a page may be short
		found, err := s.find(c, q)
		if err != nil {
			return err
		}
		if found.Degraded {
			c.set("Usher-Degraded", "search-fallback")
		}
		hits = append(hits, found.Events...)
		if q.Cursor = found.NextCursor; q.Cursor == "" {
			break
		}
	}
	hits = hits[:min(len(hits), calendarEvents)]
	data := &searchPage{lang: c.language(), Form: f}
	c.set("Cache-Control", "public, max-age=300")
	c.out.Add("Vary", "Accept-Language, Cookie") // the name of the calendar is in the visitor's language
	c.body(200, "text/calendar; charset=utf-8", searchCalendar(data.title(), hits, data.lang, s.PublicURL, f.today))
	c.compress()
	return c.tagged()
}

// searchCalendar writes hits as a calendar. Its bytes are the same as long as the events are, so that subscribers who ask again get a 304: the stamp is the day.
func searchCalendar(title string, hits []search.Hit, l *lang.Lang, publicURL string, day time.Time) []byte {
	c := ics.NewCalendar()
	c.SetProductId("-//Usher//Events//EN")
	c.SetMethod(ics.MethodPublish)
	c.SetXWRCalName(ics.ToText(oneLine(title)))
	c.SetRefreshInterval(calendarEvery)
	c.SetXPublishedTTL(calendarEvery)
	for _, h := range hits {
		details := h.Performer
		if price := prices(l, h.PriceFrom, h.PriceTo, h.Currency); price != "" {
			details += ", " + price
		}
		addEntry(c, entry{
			event: h.ID, name: h.Name, place: h.Venue.Name + ", " + h.Venue.Location, start: h.Start, end: h.End, latitude: h.Venue.Latitude,
			longitude: h.Venue.Longitude, url: publicURL + "/events/" + h.ID.String(), details: details, stamp: day,
		})
	}
	return []byte(c.Serialize(ics.WithNewLineWindows))
}

// Calendar is the address of the search as a calendar.
func (p *searchPage) Calendar() string {
	return calendarPath + strings.TrimPrefix(p.Form.link("sort", ""), "/")
}

// Subscribe is the same address as programs for calendars take it.
func (p *searchPage) Subscribe() template.URL {
	_, host, found := strings.Cut(p.publicURL, "://")
	if !found {
		return ""
	}
	return template.URL("webcal://" + host + p.Calendar()) // the query is encoded, the host is the operator's
}
