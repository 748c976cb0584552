package importer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"usher/catalog/layout"
	"usher/catalog/money"
	"usher/catalog/pgcatalog"
)

// tournament is what the files of openfootball lack; see catalog/data.
type tournament struct {
	Zones   map[string]string         `json:"zones"`   // city → IANA zone
	Dollars map[string]map[string]int `json:"dollars"` // round, without its number → level → US dollars
}

// allocation is the part of a match's seats that is on public sale.
type allocation struct {
	Layout   string           `json:"layout"`
	Sections []layout.Section `json:"sections"`
}

type stadium struct {
	City     string `json:"city"`
	Country  string `json:"cc"`
	Name     string `json:"name"`
	Capacity int    `json:"capacity"`
	Coords   string `json:"coords"`
}

type match struct {
	Round  string `json:"round"`
	Number int    `json:"num"` // of knock-out matches
	Date   string `json:"date"`
	Time   string `json:"time"` // "13:00 UTC-6"
	Team1  string `json:"team1"`
	Team2  string `json:"team2"`
	Group  string `json:"group"`
	Ground string `json:"ground"` // the stadium's city
}

// football reads one tournament.
type football struct {
	tournament
	money       money.Table
	shift       shift
	allocations map[string]allocation // by the match's key
	posters     bool                  // matches have drawn pictures, one a group or round

	name  string             // "World Cup 2026"
	key   string             // "world-cup-2026"
	homes map[string]stadium // by city
	teams map[string]bool    // those that have been told
}

// read reads the stadiums, then the matches, of name and name without its suffix plus ".stadiums.json".
func (f *football) read(ctx context.Context, files fs.FS, name string, to sink) error {
	f.homes, f.teams = map[string]stadium{}, map[string]bool{}
	stadiums := strings.TrimSuffix(name, ".json") + ".stadiums.json"
	err := readElements(files, stadiums, "stadiums", to, func(title string, at Place, raw json.RawMessage) error {
		f.entitle(title)
		records, err := f.stadium(raw)
		return f.give(ctx, to, at, records, err)
	})
	if err != nil {
		return err
	}
	first, err := f.opening(files, name)
	if err != nil {
		return err
	}
	days := f.shift.days(first)
	return readElements(files, name, "matches", to, func(title string, at Place, raw json.RawMessage) error {
		f.entitle(title)
		records, err := f.match(raw, days)
		return f.give(ctx, to, at, records, err)
	})
}

func (f *football) entitle(title string) { f.name, f.key = title, slug(title) }

// give hands on the records of one element, or refuses it.
func (f *football) give(ctx context.Context, to sink, at Place, records []record, err error) error {
	if err != nil {
		to.refuse(at, err)
		return nil
	}
	for _, r := range records {
		r.Place = at
		if err := to.take(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (f *football) stadium(raw json.RawMessage) ([]record, error) {
	var s stadium
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	zone, ok := f.Zones[s.City]
	if !ok {
		return nil, fmt.Errorf("the time zone of %q is not known: add it to catalog/data/tournament.json", s.City)
	}
	latitude, longitude, err := parseCoords(s.Coords)
	if err != nil {
		return nil, err
	}
	s.Country = strings.ToUpper(s.Country)
	f.homes[s.City] = s
	return jsonVenue{ID: f.key + "/" + slug(s.Name), Name: s.Name, City: s.City, Country: s.Country, Latitude: &latitude, Longitude: &longitude,
		TimeZone: zone, Capacity: s.Capacity}.records()
}

// opening is the date of the first match, by date.
func (f *football) opening(files fs.FS, name string) (first time.Time, err error) {
	err = readElements(files, name, "matches", nil, func(_ string, _ Place, raw json.RawMessage) error {
		var m match
		if json.Unmarshal(raw, &m) != nil {
			return nil // told when the matches are read
		}
		if day, err := time.Parse(time.DateOnly, m.Date); err == nil && (first.IsZero() || day.Before(first)) {
			first = day
		}
		return nil
	})
	return first, err
}

// match returns the teams that are new, then the match, moved by some days: the clock at the stadium stays the same.
func (f *football) match(raw json.RawMessage, days int) (out []record, err error) {
	var m match
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	home, ok := f.homes[m.Ground]
	if !ok {
		return nil, fmt.Errorf("no stadium in %q", m.Ground)
	}
	start, err := f.start(m, days)
	if err != nil {
		return nil, err
	}
	prices, code, err := f.money.Prices(home.Country, f.Dollars[round(m.Round)])
	if err != nil {
		return nil, fmt.Errorf("round %q: %w", m.Round, err)
	}
	e := event{Event: pgcatalog.Event{
		Key: f.matchKey(m), Venue: f.key + "/" + slug(home.Name), Start: start, Local: true, Length: 2 * time.Hour, Category: "football",
		Currency: code, Prices: prices,
	}}
	if m.Group == "" {
		e.Length = 3 * time.Hour // with extra time and penalties
	}
	e.Name, e.Details = f.words(m, home)
	if f.posters {
		e.picture.poster = f.key + " " + cmp.Or(m.Group, m.Round)
	}
	for _, team := range []string{m.Team1, m.Team2} {
		key := f.key + "/team/" + slug(team)
		if !f.teams[team] {
			records, err := jsonPerformer{ID: key, Name: team}.records()
			if err != nil {
				return nil, err
			}
			f.teams[team] = true
			out = append(out, records...)
		}
		e.Performers = append(e.Performers, key)
	}
	if a, ok := f.allocations[e.Key]; ok {
		seating, err := jsonLayout{ID: a.Layout, Venue: e.Venue, Sections: a.Sections}.records()
		if err != nil {
			return nil, err
		}
		e.Layout, e.onSale = a.Layout, true
		out = append(out, seating...)
	}
	return append(out, record{event: &e}), e.check()
}

// start is the reading of the clock at the stadium; the file gives it with the zone's offset at that time.
func (f *football) start(m match, days int) (time.Time, error) {
	clock, offset, _ := strings.Cut(m.Time, " UTC")
	t, err := time.Parse("2006-01-02 15:04", m.Date+" "+clock)
	hours, offsetErr := strconv.ParseFloat(offset, 64)
	if err != nil || offsetErr != nil || math.Abs(hours) > 14 {
		return t, fmt.Errorf("date %q and time %q: want the form 2026-06-11 and 13:00 UTC-6", m.Date, m.Time)
	}
	t = t.Add(-time.Duration(hours * float64(time.Hour)))
	zone, err := time.LoadLocation(f.Zones[m.Ground])
	if err != nil {
		return t, err
	}
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day()+days, t.Hour(), t.Minute(), 0, 0, time.UTC), nil
}

// matchKey names a match by its number, or within its group by its teams: dates move, these stay.
func (f *football) matchKey(m match) string {
	if m.Number > 0 {
		return fmt.Sprintf("%s/match-%d", f.key, m.Number)
	}
	return f.key + "/" + slug(m.Group) + "/" + slug(m.Team1) + "-" + slug(m.Team2)
}

func (f *football) words(m match, home stadium) (name, details string) {
	stage := m.Round
	if m.Group != "" {
		stage = m.Group + ", " + m.Round
	}
	name = fmt.Sprintf("%s %s: %s – %s", f.name, stage, m.Team1, m.Team2)
	details = fmt.Sprintf("%s against %s in the %s (%s), at %s in %s. Gates open three hours before kick-off.", m.Team1, m.Team2, f.name, stage,
		home.Name, home.City)
	return name, details
}

// round is the name of a round without its number.
func round(s string) string {
	if strings.HasPrefix(s, "Matchday") {
		return "Matchday"
	}
	return s
}

// footballFile returns the file of matches that a path means: the file itself, or the one in a folder beside which a file of stadiums lies.
func footballFile(files fs.FS, name string) (string, error) {
	info, err := fs.Stat(files, name)
	if err != nil || !info.IsDir() {
		return name, err
	}
	found, err := fs.Glob(files, path.Join(name, "*.stadiums.json"))
	if err != nil || len(found) != 1 {
		return "", errors.Join(err, fmt.Errorf("%s: %d files *.stadiums.json, want one", name, len(found)))
	}
	return strings.TrimSuffix(found[0], ".stadiums.json") + ".json", nil
}

// readElements reads {"name": …, "member": […]} element by element; each is given with the file's name member and its place. What follows a
// syntax error cannot be read and is refused as one record. to may be nil: then that is not told.
func readElements(files fs.FS, name, member string, to sink, each func(title string, at Place, raw json.RawMessage) error) error {
	file, err := files.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := &lineCounter{r: file}
	d := json.NewDecoder(lines)
	broken := func(err error) error {
		if to != nil {
			to.refuse(Place{name, lines.at(d.InputOffset())}, fmt.Errorf("the rest of the file cannot be read: %w", err))
		}
		return nil
	}
	title := ""
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return broken(fmt.Errorf("no array %q", member))
		}
		if err != nil {
			return broken(err)
		}
		if delim, is := token.(json.Delim); is {
			depth += map[json.Delim]int{'{': 1, '[': 1, '}': -1, ']': -1}[delim]
		}
		if depth != 1 || token == json.Delim('{') {
			continue
		}
		if token == "name" {
			if err := d.Decode(&title); err != nil {
				return broken(err)
			}
		}
		if token == member {
			break
		}
	}
	if token, err := d.Token(); err != nil || token != json.Delim('[') {
		return broken(errors.Join(err, fmt.Errorf("%q is no array", member)))
	}
	for d.More() {
		at := Place{name, lines.next(d)}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return broken(err)
		}
		if err := each(title, at, raw); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return broken(err)
	}
	return nil
}
