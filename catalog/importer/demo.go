package importer

import (
	"context"
	"fmt"
	"time"

	"usher/catalog/money"
	"usher/catalog/pgcatalog"
)

const (
	demoEvents = 330
	demoDays   = 180 // that they are spread over
	demoFirst  = 3   // days after this week's Monday
)

type demoAct struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Category string `json:"category"`
	Details  string `json:"details"`
}

type demoCategory struct {
	Start   string         `json:"start"` // clock at the venue
	Minutes int            `json:"minutes"`
	Dollars map[string]int `json:"dollars"` // by level
}

// demo makes half a year of events from this week on: real cities, venues and acts that do not exist. It has no randomness: the same week
// gives the same events, so that a repeated import changes nothing.
type demo struct {
	money  money.Table
	now    time.Time
	venues []jsonVenue
	acts   struct {
		Categories map[string]demoCategory `json:"categories"`
		Acts       []demoAct               `json:"acts"`
	}
}

func (d *demo) read(ctx context.Context, to sink) error {
	give := func(line int, what string, records []record, err error) error {
		if err != nil {
			to.refuse(Place{what, line}, err)
		}
		for _, r := range records {
			r.Place = Place{what, line}
			if err := to.take(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
	for i, v := range d.venues {
		records, err := v.records()
		if err := give(i+2, "demo/venues.json", records, err); err != nil {
			return err
		}
	}
	for i, a := range d.acts.Acts {
		records, err := jsonPerformer{ID: "demo/" + slug(a.Name), Name: a.Name}.records()
		if err := give(i+1, "demo/acts.json", records, err); err != nil {
			return err
		}
	}
	for i := range demoEvents {
		records, err := d.event(i)
		if err := give(i+1, "demo", records, err); err != nil {
			return err
		}
	}
	return nil
}

// event is the i-th event. Act and venue walk their lists in steps that share no factor with the lengths, so that a pair comes again only
// after all others.
func (d *demo) event(i int) ([]record, error) {
	act := d.acts.Acts[i*5%len(d.acts.Acts)]
	venue := d.venues[(i*7+i/len(d.venues))%len(d.venues)]
	c, ok := d.acts.Categories[act.Category]
	if !ok {
		return nil, fmt.Errorf("no category %q", act.Category)
	}
	clock, err := time.Parse("15:04", c.Start)
	if err != nil {
		return nil, err
	}
	prices, code, err := d.money.Prices(venue.Country, c.Dollars)
	if err != nil {
		return nil, err
	}
	day := Monday(d.now).AddDate(0, 0, demoFirst+i*demoDays/demoEvents)
	e := event{onSale: true, picture: picture{poster: act.Name}, Event: pgcatalog.Event{
		Key: fmt.Sprintf("demo/event-%03d", i), Name: fmt.Sprintf("%s: %s at %s", act.Name, act.Title, venue.Name), Venue: venue.ID,
		Performers: []string{"demo/" + slug(act.Name)}, Start: day.Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute),
		Local: true, Length: time.Duration(c.Minutes) * time.Minute, Category: act.Category, Currency: code, Prices: prices,
		Details: fmt.Sprintf("%s Live at %s in %s.", act.Details, venue.Name, venue.City),
	}}
	if act.Category == "concert" && i%3 == 0 { // with a support act
		support := d.acts.Acts[(i*5+1)%len(d.acts.Acts)]
		e.Performers = append(e.Performers, "demo/"+slug(support.Name))
		e.Details += " Support: " + support.Name + "."
	}
	return []record{{event: &e}}, e.check()
}
