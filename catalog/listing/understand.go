package listing

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// draft is an event as it stands in a file: texts, most of them missing.
type draft struct {
	id, identifier, url string // url: absolute or empty; id: absolute, or a table's own
	site                string // host of the page, for identifiers
	name, details       string
	category, image     string
	status              string // the last part of eventStatus
	online              bool
	when                times
	place               place
	performers          []Named
	offers              []offer
	wrong               error // of the offers
	seats               string
	onSale              bool
}

// understand turns a draft into an event. The error names every fault that shows.
func (r *Reader) understand(d *draft) (*Event, error) {
	e := &Event{Name: line(d.name), Details: paragraphs(d.details), Category: d.category, Image: d.image, OnSale: d.onSale}
	if err := d.sellable(); err != nil {
		return nil, about(e.Name, err)
	}
	start, err := parseMoment(d.when.start)
	if d.when.start == "" {
		err = errors.New("no startDate (in a table: start_time)")
	}
	if err != nil {
		return nil, about(e.Name, err)
	}
	var errs []error
	if len(e.Name) == 0 || len(e.Name) > maxName {
		errs = append(errs, fmt.Errorf("the name has %d bytes, want 1 to %d", len(e.Name), maxName))
	}
	venue, zone, err := r.venue(d.place, start)
	if err != nil {
		return nil, about(e.Name, errors.Join(append(errs, err)...))
	}
	var first string
	e.Venue = venue
	e.Start, e.Length, first, err = d.when.span(start, zone)
	errs = append(errs, err, r.price(d, e), d.capacity(e))
	e.cast(d.performers)
	e.clipDetails()
	e.Key = d.key(e, first)
	if err := errors.Join(errs...); err != nil {
		return nil, about(e.Name, err)
	}
	return e, nil
}

// about puts the event's name before what is wrong with it.
func about(name string, err error) error {
	if name == "" {
		return fmt.Errorf("an event without a name: %w", err)
	}
	return fmt.Errorf("%.80q: %w", name, err)
}

// sellable refuses what nobody can go to.
func (d *draft) sellable() error {
	switch strings.ToLower(d.status) {
	case "eventcancelled", "eventcanceled", "cancelled", "canceled":
		return errors.New("it is cancelled, so it is left out; if it was imported before, it is still there")
	case "eventpostponed", "postponed":
		return errors.New("it is postponed without a new date, so it is left out; give the new startDate with eventStatus EventRescheduled")
	case "eventmovedonline":
		return errors.New("it is online: there are no seats to sell")
	}
	if d.online {
		return errors.New("it is online: there are no seats to sell")
	}
	return nil
}

// price fills in the prices, those of the defaults when the file names none.
func (r *Reader) price(d *draft, e *Event) (err error) {
	if d.wrong != nil && len(d.offers) == 0 {
		return d.wrong
	}
	offers := d.offers
	if len(offers) == 0 && r.defaults.Price != "" {
		list, code, err := parseAmounts(r.defaults.Price)
		if err != nil {
			return err
		}
		offers = []offer{{list, code}}
	}
	e.Currency, e.Prices, err = r.prices(offers, e.Venue.Country)
	return err
}

// capacity reads how many seats there are: of the event, else of the place. More than a million is nonsense that the importer refuses.
func (d *draft) capacity(e *Event) error {
	for _, s := range []string{d.seats, d.place.seats} {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || n != math.Trunc(n) || n < 0 || n > 1<<20 {
			return fmt.Errorf("%.40q is no number of seats from 1 to 1048576", s)
		}
		if n > 0 {
			e.Seats = int(n)
			return nil
		}
	}
	return nil
}

// cast puts the performers in, each once.
func (e *Event) cast(list []Named) {
	for _, p := range list {
		p.Name = clip(line(p.Name), maxName)
		if p.Name = strings.TrimSpace(p.Name); p.Name == "" {
			continue
		}
		if p.Key = short("act", p.Key); p.Key == "" {
			p.Key = derive("act", p.Name)
		}
		if slices.ContainsFunc(e.Performers, func(o Named) bool { return o.Key == p.Key }) {
			continue
		}
		if len(e.Performers) == maxActs {
			e.Notes = append(e.Notes, fmt.Sprintf("%d performers: the first %d are taken", len(list), maxActs))
			return
		}
		e.Performers = append(e.Performers, p)
	}
	if len(e.Performers) == 0 {
		e.Performers = []Named{{derive("act", e.Name), e.Name}}
	}
}

func (e *Event) clipDetails() {
	const more = " …"
	if len(e.Details) > maxDetails {
		e.Notes = append(e.Notes, fmt.Sprintf("details of more than %d bytes are clipped", maxDetails))
		e.Details = strings.TrimSpace(clip(e.Details, maxDetails-len(more))) + more
	}
}

// key is what names the event in the next file, too.
func (d *draft) key(e *Event, first string) string {
	switch {
	case d.id != "":
		return short("event", d.id)
	case d.identifier != "" && d.site != "":
		return short("event", d.site+"#"+d.identifier)
	case d.identifier != "":
		return short("event", e.Venue.Key+"#"+d.identifier)
	case d.url != "":
		return short("event", d.url+"#"+first)
	default:
		return derive("event", e.Name, e.Venue.Key, first)
	}
}

// host is the site of an address.
func host(u *url.URL, addresses ...string) string {
	for _, a := range addresses {
		if p, err := url.Parse(a); err == nil && p.Host != "" {
			return strings.ToLower(p.Host)
		}
	}
	if u != nil {
		return strings.ToLower(u.Host)
	}
	return ""
}
