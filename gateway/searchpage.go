package gateway

import (
	"strconv"
	"time"

	"usher/gateway/lang"
	"usher/gateway/page"
	"usher/images"
	"usher/search"
)

// searchPage is a search with its form: what is found, and the ways to narrow and to widen it.
type searchPage struct {
	lang      *lang.Lang
	publicURL string
	Form      *searchForm
	Heading   string
	State     string // "found", "empty", "faulty", "cursor" or "away"
	Total     int
	Capped    bool
	Fallback  bool
	Stale     time.Duration // how old it is what is left; 0: it is not
	Cards     []searchCard
	Chips     []searchChip // what restricts, each with the way out of it
	Quick     []searchLink // days at hand
	Sorts     []searchLink
	Facets    []facetGroup
	Available string // how many of them have tickets
	Radii     []radius
	Next      string // address of the page after this one; empty: there is none
	First     string // address of the first page, when this is another
	Again     string
	Currency  string // in which amounts are typed, when there is one
}

// searchLink is a choice: it leads to the page where it is made.
type searchLink struct {
	Label, Href string
	Current     bool
}

// searchChip is a restriction; Href leads to the page without it.
type searchChip struct{ Label, Href string }

// getSearchPage shows what is on, from today unless other days are asked for.
func (s *Server) getSearchPage(c *call) error {
	args := c.http.QueryArgs()
	c.set("Permissions-Policy", "camera=(), geolocation=(self), microphone=(), payment=(), usb=()") // for "near me", which asks when it is pressed
	f, err := readSearchForm(func(name string) string { return string(args.Peek(name)) }, time.Now())
	data := &searchPage{lang: c.language(), publicURL: s.PublicURL, Form: f, State: "found", Again: f.link()}
	if err != nil {
		return s.searchRefused(c, data, err)
	}
	found, err := s.find(c, f.query)
	if err != nil {
		return s.searchRefused(c, data, err)
	}
	data.fill(found, time.Now(), s)
	degraded(c, found)
	c.set("Cache-Control", briefly)
	return c.page(200, "search", data.frame(s.PublicURL))
}

// roomOf is the active room in front of an event; "" when there is none.
func (s *Server) roomOf(h search.Hit) string {
	if r, ok := s.Waitroom.RoomOf(h.ID); ok && r.Active {
		return r.Room
	}
	return ""
}

// searchRefused keeps the form as it was typed and says what is wrong at the field; a machine gets the problem.
func (s *Server) searchRefused(c *call, data *searchPage, err error) error {
	p := s.problemOf(err)
	if p == nil || !c.wantsPage() {
		return err
	}
	switch p.Slug {
	case "invalid-request":
		data.State = "faulty"
	case "invalid-cursor":
		data.State = "cursor"
	case "search-unavailable":
		data.State, data.Again = "away", c.here()
		c.set("Retry-After", strconv.Itoa(max(p.RetryAfter, 1)))
	default:
		return err
	}
	problemsTotal(p.Slug).Inc()
	c.set("Cache-Control", "no-store")
	data.Heading = data.title()
	data.choices(time.Now().UTC())
	return c.page(p.Status, "search", page.Frame{Title: data.Heading, Data: data})
}

// fill puts in what was found.
func (p *searchPage) fill(found search.Page, now time.Time, s *Server) {
	p.Total, p.Capped, p.Fallback, p.Stale = found.Total, found.TotalCapped, found.Degraded, found.LeftAge
	zone := time.UTC // of the days at hand: the first event's, for that is where the fan will be
	for i, h := range found.Events {
		card := p.card(h, s.roomOf(h), now)
		card.Thumb = s.Site.Link(h.ImageURL, images.Thumb)
		p.Cards = append(p.Cards, card)
		if i == 0 {
			zone = card.Start.Location()
		}
	}
	p.Currency = p.Form.values["currency"]
	if one := oneCurrency(found.Events); p.Currency == "" && one != "" {
		p.Currency = one
		p.Form.values["currency"] = one // for what the fields show; links have it only where a price needs it
	}
	if found.NextCursor != "" {
		p.Next = p.Form.next(found.NextCursor)
	}
	if p.Form.values["page_cursor"] != "" {
		p.First = p.Form.link()
	}
	if len(found.Events) == 0 && p.Next == "" {
		p.State = "empty"
	}
	p.restrictions(found)
	p.Heading = p.title()
	p.choices(now.In(zone))
	p.narrow(found.Facets)
}

// oneCurrency is the currency of all events; "" when there are several, or none.
func oneCurrency(events []search.Hit) (code string) {
	for _, h := range events {
		if code != "" && h.Currency != code {
			return ""
		}
		code = h.Currency
	}
	return code
}

// indexed are, with a whole month, the parameters of pages that search engines may list. The rest is without end.
var indexed = []string{"category", "location", "venue"}

// frame is the page with what search engines and previews read.
func (p *searchPage) frame(publicURL string) page.Frame {
	f := page.Frame{Title: p.Heading, Description: p.lang.T("search.description", "title", p.Heading), Data: p}
	plain := &searchForm{values: map[string]string{}}
	for _, name := range indexed {
		if v := p.Form.values[name]; v != "" {
			plain.values[name] = v
		}
	}
	if _, whole := p.month(); whole {
		plain.values["start_date"], plain.values["end_date"] = p.Form.values["start_date"], p.Form.values["end_date"]
	}
	f.Index = p.State == "found" && p.First == "" && !p.Form.query.HasPoint && p.Form.link("sort", "") == plain.address()
	if f.Index {
		f.Canonical = publicURL + plain.address()
	}
	return f
}
