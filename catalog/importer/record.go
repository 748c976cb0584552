package importer

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"usher/catalog/layout"
	"usher/catalog/pgcatalog"
)

// Place says where a record stands.
type Place struct {
	File string
	Line int // from 1
}

// record is one checked record of a file: one of the pointers is set.
type record struct {
	Place
	venue     *pgcatalog.Venue
	layout    *pgcatalog.Layout
	performer *pgcatalog.Performer
	event     *event
}

// event is an event with the wish to sell it, and its picture.
type event struct {
	pgcatalog.Event
	onSale  bool
	picture picture // becomes the ImageURL when it is taken in
}

const (
	maxKey      = 200
	maxName     = 300
	maxDetails  = 20_000
	maxLength   = 14 * 24 * time.Hour // of an event
	usualLength = 150 * time.Minute
	localTime   = "2006-01-02T15:04:05"
	maxActs     = 50 // performers of an event
)

// jsonVenue and its neighbours are the records as they stand in a file; see the package comment.
type jsonVenue struct {
	Type      string           `json:"type"`
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	City      string           `json:"city"`
	Country   string           `json:"country"`
	Location  string           `json:"location,omitempty"`
	Latitude  *float64         `json:"latitude,omitempty"`
	Longitude *float64         `json:"longitude,omitempty"`
	TimeZone  string           `json:"time_zone"`
	Capacity  int              `json:"capacity,omitempty"`
	Sections  []layout.Section `json:"sections,omitempty"`
}

type jsonLayout struct {
	Type     string           `json:"type"`
	ID       string           `json:"id"`
	Venue    string           `json:"venue"`
	Capacity int              `json:"capacity,omitempty"`
	Sections []layout.Section `json:"sections,omitempty"`
}

type jsonPerformer struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

type jsonEvent struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Venue      string         `json:"venue"`
	Layout     string         `json:"layout,omitempty"`
	Performers []string       `json:"performers"`
	StartTime  string         `json:"start_time"`
	EndTime    string         `json:"end_time,omitempty"`
	Details    string         `json:"details,omitempty"`
	Category   string         `json:"category,omitempty"`
	ImageURL   string         `json:"image_url,omitempty"`
	Image      string         `json:"image,omitempty"`
	Currency   string         `json:"currency"`
	Prices     map[string]int `json:"prices"`
	OnSale     bool           `json:"on_sale,omitempty"`
}

// records checks a venue and returns it, with its default seating if it brings one.
func (v jsonVenue) records() ([]record, error) {
	country, err := countryName(v.Country)
	_, zoneErr := time.LoadLocation(v.TimeZone)
	if v.TimeZone == "" || v.TimeZone == "Local" {
		zoneErr = errors.New("time_zone is missing")
	}
	err = errors.Join(text("id", v.ID, 1, maxKey), text("name", v.Name, 1, maxName), text("city", v.City, 1, maxName), err,
		text("location", v.Location, 0, maxName), degrees("latitude", v.Latitude, 90), degrees("longitude", v.Longitude, 180), zoneErr)
	if (v.Latitude == nil) != (v.Longitude == nil) {
		err = errors.Join(err, errors.New("latitude and longitude come together"))
	}
	if err != nil {
		return nil, err
	}
	if v.Location == "" {
		v.Location = v.City + ", " + country
	}
	out := []record{{venue: &pgcatalog.Venue{
		Key: v.ID, Name: v.Name, Location: v.Location, City: v.City, Country: v.Country, Latitude: v.Latitude, Longitude: v.Longitude,
		TimeZone: v.TimeZone,
	}}}
	if v.Capacity == 0 && v.Sections == nil {
		return out, nil
	}
	seating, err := jsonLayout{ID: v.ID, Venue: v.ID, Capacity: v.Capacity, Sections: v.Sections}.records()
	return append(out, seating...), err
}

func (l jsonLayout) records() (out []record, err error) {
	if err := errors.Join(text("id", l.ID, 1, maxKey), text("venue", l.Venue, 1, maxKey)); err != nil {
		return nil, err
	}
	var seating *layout.Layout
	switch {
	case l.Sections != nil && l.Capacity != 0:
		return nil, errors.New("give either sections or capacity")
	case l.Sections != nil:
		seating, err = layout.New(l.Sections)
	default:
		seating, err = layout.Generate(l.Capacity)
	}
	return []record{{layout: &pgcatalog.Layout{Key: l.ID, Venue: l.Venue, Layout: seating}}}, err
}

func (p jsonPerformer) records() ([]record, error) {
	err := errors.Join(text("id", p.ID, 1, maxKey), text("name", p.Name, 1, maxName))
	return []record{{performer: &pgcatalog.Performer{Key: p.ID, Name: p.Name}}}, err
}

func (e jsonEvent) records() ([]record, error) {
	out := event{onSale: e.OnSale, Event: pgcatalog.Event{
		Key: e.ID, Name: e.Name, Venue: e.Venue, Layout: e.Layout, Performers: e.Performers, Length: usualLength, Details: e.Details,
		Category: e.Category, ImageURL: e.ImageURL, Currency: e.Currency, Prices: e.Prices,
	}}
	var err error
	if out.Start, out.Local, err = clock(e.StartTime); err != nil {
		return nil, fmt.Errorf("start_time: %w", err)
	}
	if out.picture, err = readPicture(e.Image); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	if e.EndTime != "" {
		end, local, err := clock(e.EndTime)
		if err != nil || local != out.Local {
			return nil, errors.Join(errors.New("end_time: want the form of start_time"), err)
		}
		out.Length = end.Sub(out.Start)
	}
	return []record{{event: &out}}, out.check()
}

// check reports every fault of an event that shows without looking elsewhere.
func (e *event) check() error {
	err := errors.Join(text("id", e.Key, 1, maxKey), text("name", e.Name, 1, maxName), text("venue", e.Venue, 1, maxKey),
		text("layout", e.Layout, 0, maxKey), text("details", e.Details, 0, maxDetails), text("category", e.Category, 0, 50))
	if e.Length < 0 || e.Length > maxLength {
		err = errors.Join(err, fmt.Errorf("ends %s after its start, want 0 to %s", e.Length, maxLength))
	}
	if e.Start.Year() < 2000 || e.Start.Year() > 2300 {
		err = errors.Join(err, fmt.Errorf("starts in the year %d", e.Start.Year()))
	}
	if len(e.Performers) == 0 || len(e.Performers) > maxActs {
		err = errors.Join(err, fmt.Errorf("%d performers, want 1 to %d", len(e.Performers), maxActs))
	}
	if _, unknown := currency.ParseISO(e.Currency); unknown != nil || e.Currency != strings.ToUpper(e.Currency) {
		err = errors.Join(err, fmt.Errorf("currency %q is not of ISO 4217", e.Currency))
	}
	if len(e.Prices) == 0 {
		err = errors.Join(err, errors.New("prices are missing"))
	}
	for level, price := range e.Prices {
		if price < 0 || price > math.MaxInt32/8 {
			err = errors.Join(err, fmt.Errorf("price of level %q is %d minor units", level, price))
		}
	}
	if u, bad := url.Parse(e.ImageURL); e.ImageURL != "" && (bad != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(e.ImageURL) > 2000) {
		err = errors.Join(err, fmt.Errorf("image_url %.100q is no http address", e.ImageURL))
	}
	if e.ImageURL != "" && e.picture != (picture{}) {
		err = errors.Join(err, errors.New("give either image or image_url"))
	}
	return err
}

// clock reads RFC 3339, or the same without a zone: then local is true.
func clock(s string) (t time.Time, local bool, err error) {
	if t, err = time.Parse(time.RFC3339, s); err == nil {
		return t, false, nil
	}
	if t, err := time.Parse(localTime, s); err == nil {
		return t, true, nil
	}
	return t, false, fmt.Errorf("%.60q is neither RFC 3339 nor %s", s, localTime)
}

func text(member, s string, least, most int) error {
	switch {
	case len(s) < least:
		return fmt.Errorf("%s is missing", member)
	case len(s) > most:
		return fmt.Errorf("%s has %d bytes, want at most %d", member, len(s), most)
	case !utf8.ValidString(s):
		return fmt.Errorf("%s is not UTF-8", member)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return fmt.Errorf("%s has control characters", member)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("%s has blanks at its ends", member)
	}
	return nil
}

func degrees(member string, n *float64, most float64) error {
	if n != nil && !(math.Abs(*n) <= most) {
		return fmt.Errorf("%s is %g, want -%g to %g", member, *n, most, most)
	}
	return nil
}

// countryName returns the English name of a country by its ISO 3166-1 alpha-2 code.
func countryName(code string) (string, error) {
	region, err := language.ParseRegion(code)
	if err != nil || len(code) != 2 || region.String() != code || !region.IsCountry() {
		return "", fmt.Errorf("country %.20q is no ISO 3166-1 alpha-2 code in capitals", code)
	}
	return display.English.Regions().Name(region), nil
}
