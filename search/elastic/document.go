package elastic

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/olivere/elastic/v7"

	"usher/internal/id"
	"usher/search"
	"usher/search/words"
)

// finest is the smallest fair sample that documents are marked with: one in 4,096.
const finest = 12

// shownField is the field of what is shown.
const shownField = "shown"

// document is a search.Document as the index has it: index.json says how each member is found.
type document struct {
	ID          string      `json:"id"`
	Fair        []string    `json:"fair"`  // the fair samples that it is in
	Shown       []byte      `json:"shown"` // what is shown of it
	Name        string      `json:"name"`
	Performers  []performer `json:"performers"`
	Start       int64       `json:"start"` // in microseconds, as Postgres has it
	Date        string      `json:"date"`
	Month       string      `json:"month"`
	Venue       venue       `json:"venue"`
	Category    string      `json:"category,omitempty"`
	CategoryKey string      `json:"category_key,omitempty"`
	PriceFrom   int         `json:"price_from"`
	PriceTo     int         `json:"price_to"`
	Bands       []string    `json:"bands"` // of search.Bands
	ForSale     bool        `json:"for_sale"`
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
	Place    string `json:"place"` // all words of the place, one after the other
	Point    *point `json:"point,omitempty"`
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
		ID: d.Event.String(), Fair: fair(d.Event), Shown: showing(d), Name: d.Name, Performers: []performer{}, Bands: []string{},
		Start: d.Start.UnixMicro(), Date: d.Date.Format(time.DateOnly), Month: d.Date.Format("2006-01"),
		Category: d.Category, CategoryKey: words.Fold(d.Category), PriceFrom: d.PriceFrom, PriceTo: d.PriceTo, ForSale: d.ForSale,
		Venue: venue{ID: v.ID, Name: v.Name, City: v.City, Location: v.Location, Place: v.City + " " + v.Location + " " + v.Country,
			Label: label(v.ID, v.Name, v.Location), Town: label(v.City, v.Location, v.Country)},
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

// shown is what searches show of a document. The index keeps it as one value, apart from the rest: to read the document itself, which Lucene stores in compressed blocks of many, was
// half of what a search cost.
type shown struct {
	id                 string
	name, details      string
	imageURL           string
	performer          string
	start, end         int64 // in microseconds
	venue              search.Venue
	priceFrom, priceTo int
	currency           string
	capacity           int
	onSale, forSale    bool
}

// members are the members in the order in which they are kept: their names would be most of it.
func (s *shown) members() []any {
	v := &s.venue
	return []any{&s.id, &s.name, &s.details, &s.imageURL, &s.performer, &s.start, &s.end,
		&v.ID, &v.Name, &v.Location, &v.City, &v.Country, &v.Latitude, &v.Longitude, &v.TimeZone,
		&s.priceFrom, &s.priceTo, &s.currency, &s.capacity, &s.onSale, &s.forSale}
}

// showing is what is shown of a document, as it is kept.
func showing(d search.Document) []byte {
	s := shown{id: d.Event.String(), name: d.Name, details: d.Details, imageURL: d.ImageURL, start: d.Start.UnixMicro(), end: d.End.UnixMicro(),
		venue: d.Venue, priceFrom: d.PriceFrom, priceTo: d.PriceTo, currency: d.Currency, capacity: d.Capacity, onSale: d.OnSale, forSale: d.ForSale}
	if len(d.Performers) > 0 {
		s.performer = d.Performers[0].Name
	}
	b, _ := json.Marshal(s.members()) // texts and numbers only
	return b
}

// shows asks for what is shown of the hits, and nothing else.
func shows(s *elastic.SearchSource) *elastic.SearchSource {
	return s.FetchSource(false).StoredField("_none_").DocvalueField(shownField) // the library's NoStoredFields reads them all the same
}

// show reads what is shown of a hit.
func show(h *elastic.SearchHit) (s shown, err error) {
	kept, _ := h.Fields.Strings(shownField)
	if len(kept) != 1 {
		return s, fmt.Errorf("a hit with %d values to show", len(kept))
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(kept[0], "=")) // Elasticsearch 7 pads it or not, by version
	if err != nil {
		return s, fmt.Errorf("what is shown of a hit: %w", err)
	}
	members := s.members()
	want := len(members)
	if err := json.Unmarshal(b, &members); err != nil {
		return s, fmt.Errorf("what is shown of a hit: %w", err)
	}
	if len(members) != want {
		return s, fmt.Errorf("what is shown of a hit has %d members, want %d", len(members), want)
	}
	return s, nil
}

// hit is what is shown of an event, but for what is left.
func (s shown) hit(q search.Query) (h search.Hit, err error) {
	if h.ID, err = id.ParseEvent(s.id); err != nil {
		return h, fmt.Errorf("document %q: %w", s.id, err)
	}
	h.Name, h.Details, h.ImageURL, h.Performer, h.Venue = s.name, s.details, s.imageURL, s.performer, s.venue
	h.Start, h.End = time.UnixMicro(s.start).UTC(), time.UnixMicro(s.end).UTC()
	h.PriceFrom, h.PriceTo, h.Currency, h.Capacity, h.OnSale = s.priceFrom, s.priceTo, s.currency, s.capacity, s.onSale
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
