package gateway

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"usher/search"
)

// searchCard is one event of a list.
type searchCard struct {
	search.Hit
	Start    time.Time // in the zone of the venue
	Distance string
	Price    string
	Room     string // of an active room in front
	Over     bool
	Art      artwork
	Thumb    string // address of the event's own picture; empty: none
}

// card words a hit. The start is told as it stands on the tickets: in the venue's time.
func (p *searchPage) card(h search.Hit, room string, now time.Time) searchCard {
	c := searchCard{Hit: h, Start: h.Start.UTC(), Room: room, Over: !now.Before(h.End), Art: draw(h.ID.String(), h.Performer)}
	if zone, err := time.LoadLocation(h.Venue.TimeZone); err == nil {
		c.Start = h.Start.In(zone)
	}
	if h.DistanceKM != nil {
		c.Distance = p.lang.N("search.distance", max(1, int(math.Round(*h.DistanceKM))))
	}
	c.Price = prices(p.lang, h.PriceFrom, h.PriceTo, h.Currency)
	return c
}

// Tickets is the key of what the card says of the tickets: how much there is, unless there is nothing to be had whatever that is.
func (c searchCard) Tickets() string {
	switch {
	case c.Over:
		return "event.over"
	case !c.OnSale:
		return "event.soon"
	}
	return stock(c.Availability).Key()
}

// Mark is the style of that.
func (c searchCard) Mark() string {
	if c.Over || !c.OnSale {
		return stockNone.Mark()
	}
	return stock(c.Availability).Mark()
}

// With is who plays, unless the name of the event says so.
func (c searchCard) With() string {
	if strings.Contains(c.Name, c.Performer) {
		return ""
	}
	return c.Performer
}

// OtherYear reports whether a day needs its year to be understood.
func (p *searchPage) OtherYear(t time.Time) bool { return t.Year() != p.Form.today.Year() }

// restrictions are what restricts the search, each with the way out of it.
func (p *searchPage) restrictions(found search.Page) {
	f, q := p.Form, p.Form.query
	add := func(label string, gone ...string) {
		var change []string
		for _, name := range gone {
			change = append(change, name, "")
		}
		p.Chips = append(p.Chips, searchChip{label, f.link(change...)})
	}
	if q.Text != "" {
		add(p.lang.T("search.chip.q", "text", q.Text), "q")
	}
	if q.HasPoint {
		add(p.lang.T("search.chip.near", "km", formatKM(q.RadiusKM), "place", fmt.Sprintf("%.2f, %.2f", q.Latitude, q.Longitude)), "location")
	} else if q.Location != "" {
		add(p.lang.T("search.chip.location", "place", q.Location), "location")
	}
	if days := p.days(); days != "" {
		add(days, "start_date", "end_date")
	}
	if q.Category != "" {
		add(p.category(q.Category), "category")
	}
	if q.Venue != "" {
		add(p.lang.T("search.chip.venue", "venue", p.venueName(found)), "venue")
	}
	if q.Performer != "" {
		add(p.lang.T("search.chip.performer", "performer", q.Performer), "performer")
	}
	if q.PriceMin != nil || q.PriceMax != nil {
		add(p.band(q.PriceMin, q.PriceMax), "price_min", "price_max")
	}
	if q.Available {
		add(p.lang.T("search.available"), "available")
	}
}

// venueName is the name of the venue that is asked for by its id, if the answer tells.
func (p *searchPage) venueName(found search.Page) string {
	wanted := p.Form.query.Venue
	for _, h := range found.Events {
		if h.Venue.ID == wanted {
			return h.Venue.Name
		}
	}
	return wanted
}

// category is the name of a category; one that we have no words for stands as it was imported.
func (p *searchPage) category(name string) string {
	if key := "search.category." + strings.ToLower(name); p.lang.Has(key) {
		return p.lang.T(key)
	}
	return name
}

// band words a range of prices in minor units; nil: no end.
func (p *searchPage) band(from, to *int) string {
	switch {
	case from == nil:
		return p.lang.T("price.to", "b", p.amount(*to))
	case to == nil:
		return p.lang.T("price.from", "a", p.amount(*from))
	}
	return p.lang.T("price.range", "a", p.amount(*from), "b", p.amount(*to))
}

// amount is money where the currency is known, else a number.
func (p *searchPage) amount(minor int) string {
	if p.Currency == "" {
		return formatAmount(minor, 2)
	}
	return p.lang.Money(int64(minor), p.Currency)
}

// month is the whole month that the search is about; ok is false when it is about other days.
func (p *searchPage) month() (month time.Time, ok bool) {
	from, to := p.Form.query.StartDate, p.Form.query.EndDate
	return from, p.Form.values["start_date"] != "" && from.Day() == 1 && to.Equal(from.AddDate(0, 1, -1))
}

func (p *searchPage) monthName(month time.Time) string {
	return p.lang.T("search.month", "month", p.lang.LongMonth(month), "year", strconv.Itoa(month.Year()))
}

// days words the days that were asked for; "" when none were.
func (p *searchPage) days() string {
	if month, whole := p.month(); whole {
		return p.monthName(month)
	}
	from, to := p.Form.query.StartDate, p.Form.query.EndDate
	switch {
	case from.Equal(to) && !to.IsZero():
		return p.lang.ShortDate(from)
	case !to.IsZero() && (from.IsZero() || p.Form.assumed):
		return p.lang.T("search.until", "b", p.lang.ShortDate(to))
	case from.IsZero(), p.Form.assumed:
		return ""
	case to.IsZero():
		return p.lang.T("search.from", "a", p.lang.ShortDate(from))
	}
	return p.lang.T("search.range", "a", p.lang.ShortDate(from), "b", p.lang.ShortDate(to))
}

// title says in words what the page lists: "Events in Toronto, June 2027".
func (p *searchPage) title() string {
	q, days := p.Form.query, p.days()
	if p.State == "faulty" {
		return p.lang.T("search.title")
	}
	what := q.Text
	if what == "" && q.Performer != "" {
		what = q.Performer
	}
	if what == "" && q.Category != "" {
		what = p.category(q.Category)
	}
	var parts []string
	switch {
	case what != "":
		parts = append(parts, "what")
	case q.HasPoint:
		parts = append(parts, "near")
	}
	if q.Location != "" {
		parts = append(parts, "where")
	}
	if days != "" {
		parts = append(parts, "when")
	}
	if len(parts) == 0 {
		return p.lang.T("search.title")
	}
	return p.lang.T("search.title."+strings.Join(parts, "."), "what", what, "where", q.Location, "when", days)
}

func formatKM(km float64) string { return strconv.FormatFloat(km, 'f', -1, 64) }
