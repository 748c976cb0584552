package elastic

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"usher/internal/id"
	"usher/search"
	"usher/search/words"
)

// finest is the smallest fair sample that documents are marked with: one in 4,096.
const finest = 12

// document is a search.Document as the index has it: index.json says how each member is found.
type document struct {
	ID          string      `json:"id"`
	Fair        []string    `json:"fair"` // the fair samples that it is in
	Name        string      `json:"name"`
	Details     string      `json:"details,omitempty"`
	ImageURL    string      `json:"image_url,omitempty"`
	Performers  []performer `json:"performers"`
	Start       int64       `json:"start"` // in microseconds, as Postgres has it
	End         int64       `json:"end"`
	Date        string      `json:"date"`
	Month       string      `json:"month"`
	Venue       venue       `json:"venue"`
	Category    string      `json:"category,omitempty"`
	CategoryKey string      `json:"category_key,omitempty"`
	Currency    string      `json:"currency"`
	PriceFrom   int         `json:"price_from"`
	PriceTo     int         `json:"price_to"`
	Bands       []string    `json:"bands"` // of search.Bands
	OnSale      bool        `json:"on_sale"`
	ForSale     bool        `json:"for_sale"`
	Capacity    int         `json:"capacity"`
}

type performer struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Label string `json:"label"`
}

type venue struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	City     string `json:"city"`
	Location string `json:"location"`
	Country  string `json:"country"`
	Place    string `json:"place"` // all words of the place, one after the other
	Point    *point `json:"point,omitempty"`
	TimeZone string `json:"time_zone"`
	Label    string `json:"label"`
	Town     string `json:"town"`
}

type point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// label puts what a facet or a suggestion shows into one value, so that counting values tells all of it.
func label(parts ...string) string {
	b, _ := json.Marshal(parts) // strings only
	return string(b)
}

// parts is label, undone: n of them.
func parts(label string, n int) (out []string, err error) {
	if err := json.Unmarshal([]byte(label), &out); err != nil || len(out) != n {
		return nil, fmt.Errorf("%q are not %d parts of a label", label, n)
	}
	return out, nil
}

// stored is a document as it is stored.
func stored(d search.Document) document {
	v := d.Venue
	out := document{
		ID: d.Event.String(), Fair: fair(d.Event), Name: d.Name, Details: d.Details, ImageURL: d.ImageURL, Performers: []performer{}, Bands: []string{},
		Start: d.Start.UnixMicro(), End: d.End.UnixMicro(), Date: d.Date.Format(time.DateOnly), Month: d.Date.Format("2006-01"),
		Category: d.Category, CategoryKey: words.Fold(d.Category), Currency: d.Currency,
		PriceFrom: d.PriceFrom, PriceTo: d.PriceTo, OnSale: d.OnSale, ForSale: d.ForSale, Capacity: d.Capacity,
		Venue: venue{ID: v.ID, Name: v.Name, City: v.City, Location: v.Location, Country: v.Country, Place: v.City + " " + v.Location + " " + v.Country,
			TimeZone: v.TimeZone, Label: label(v.ID, v.Name, v.Location), Town: label(v.City, v.Location, v.Country)},
	}
	if v.Latitude != nil && v.Longitude != nil {
		out.Venue.Point = &point{*v.Latitude, *v.Longitude}
	}
	for _, p := range d.Performers {
		out.Performers = append(out.Performers, performer{p.ID, p.Name, label(p.ID, p.Name)})
	}
	for _, b := range search.Bands() {
		if d.PriceTo >= b.From && d.PriceFrom <= b.To {
			out.Bands = append(out.Bands, b.Value)
		}
	}
	return out
}

// fair returns the fair samples that an event is in: of half of all events, of half of those, and so on, by a hash of the id (the finaliser of Murmur3). A sample is a term, so the
// index has its events ready.
func fair(e id.Event) []string {
	h := uint64(e)
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	out := []string{}
	for n := range min(bits.TrailingZeros64(h), finest) {
		out = append(out, oneIn(n+1))
	}
	return out
}

// oneIn names the sample of one event in two to the power of halvings; of at least one halving.
func oneIn(halvings int) string { return strconv.Itoa(1 << halvings) }

// hit is what is shown of a document, but for what is left.
func (d document) hit(q search.Query) (h search.Hit, err error) {
	if h.ID, err = id.ParseEvent(d.ID); err != nil {
		return h, fmt.Errorf("document %q: %w", d.ID, err)
	}
	v := d.Venue
	h.Name, h.Details, h.ImageURL = d.Name, d.Details, d.ImageURL
	if len(d.Performers) > 0 {
		h.Performer = d.Performers[0].Name
	}
	h.Start, h.End = time.UnixMicro(d.Start).UTC(), time.UnixMicro(d.End).UTC()
	h.Venue = search.Venue{ID: v.ID, Name: v.Name, Location: v.Location, City: v.City, Country: v.Country, TimeZone: v.TimeZone}
	if v.Point != nil {
		h.Venue.Latitude, h.Venue.Longitude = &v.Point.Lat, &v.Point.Lon
	}
	h.PriceFrom, h.PriceTo, h.Currency, h.Capacity, h.OnSale = d.PriceFrom, d.PriceTo, d.Currency, d.Capacity, d.OnSale
	return h, h.Place(q)
}

//go:embed index.json
var index []byte

// settings is what an index is made with: index.json, with the accents in it.
func settings() ([]byte, error) {
	var rules []string
	for from, to := range words.Accents() {
		rules = append(rules, escaped(string(from))+" => "+escaped(to))
	}
	slices.Sort(rules)
	list, err := json.Marshal(rules)
	if err != nil {
		return nil, err
	}
	return bytes.Replace(index, []byte(`"mappings": []`), append([]byte(`"mappings": `), list...), 1), nil
}

// escaped writes a text as a rule of a mapping takes it, whatever it is made of.
func escaped(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		hex := strconv.FormatUint(uint64(unit)|0x10000, 16)
		b.WriteString(`\u` + hex[1:])
	}
	return b.String()
}
