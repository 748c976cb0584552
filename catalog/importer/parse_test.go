package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestCoords(t *testing.T) {
	t.Parallel()
	f := func(s string, latitude, longitude float64, ok bool) {
		t.Helper()
		a, b, err := parseCoords(s)
		if (err == nil) != ok || ok && (math.Abs(a-latitude) > 1e-5 || math.Abs(b-longitude) > 1e-5) {
			t.Errorf("parseCoords(%q) = %g, %g, %v", s, a, b, err)
		}
	}
	f(`49°16'36"N 123°6'43"W`, 49.276667, -123.111944, true)
	f(`37.403°N 121.970°W`, 37.403, -121.97, true)
	f(`40°48'48.7"N 74°4'27.7"W`, 40.813528, -74.074361, true)
	f(`33°54′S, 18°24′E`, -33.9, 18.4, true)
	f(`91°N 0°E`, 0, 0, false)
	f(`49 N 123 W`, 0, 0, false)
	f(``, 0, 0, false)
}

func TestShift(t *testing.T) {
	t.Parallel()
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	f := func(spec, now, first string, want int) {
		t.Helper()
		s, err := parseShift(spec, day(now))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.days(day(first)); got != want {
			t.Errorf("shift %q on %s: %d days, want %d", spec, now, got, want)
		}
	}
	f("", "2026-11-24", "2026-06-11", 0)
	f("5", "2026-11-24", "2026-06-11", 5)
	f("-5", "2026-11-24", "2026-06-11", -5)
	f("auto", "2026-11-23", "2026-06-11", 182) // Monday …
	f("auto", "2026-11-29", "2026-06-11", 182) // … to Sunday of one week
	f("auto", "2026-11-30", "2026-06-11", 189)
	f("auto", "2026-01-01", "2026-06-11", 0) // it lies ahead already
	if _, err := parseShift("soon", day("2026-01-01")); err == nil {
		t.Error(`shift "soon" was accepted`)
	}
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Curaçao": "curacao", "Bosnia & Herzegovina": "bosnia-herzegovina", "AT&T Stadium": "at-t-stadium", "  Élan ": "elan", "東京": ""} {
		if got := slug(in); got != want {
			t.Errorf("slug(%q) = %q, want %q", in, got, want)
		}
	}
}

// told collects what a source gives.
type told struct {
	records []record
	refused []string
	notes   []string
}

func (s *told) take(_ context.Context, r record) error { s.records = append(s.records, r); return nil }
func (s *told) note(_ Place, text string)              { s.notes = append(s.notes, text) }
func (s *told) refuse(at Place, reason error) {
	s.refused = append(s.refused, strings.ReplaceAll(reason.Error(), "\n", "; "))
	s.records = append(s.records, record{Place: at})
}

func TestElementsAreToldWithTheirLines(t *testing.T) {
	t.Parallel()
	const content = "{\"name\": \"Cup\",\n \"other\": {\"list\": [1, 2]},\n \"list\": [\n  {\"a\": 1},\n\n  {\"a\":\n   2}, {\"a\": 3},\n  {\"a\": oops}\n]}"
	var lines []int
	sink := &told{}
	err := readElements(fstest.MapFS{"f.json": {Data: []byte(content)}}, "f.json", "list", sink, func(title string, at Place, _ json.RawMessage) error {
		if title != "Cup" {
			t.Errorf("title %q", title)
		}
		lines = append(lines, at.Line)
		return nil
	})
	if err != nil || len(lines) != 3 || lines[0] != 4 || lines[1] != 6 || lines[2] != 7 {
		t.Errorf("elements on lines %v, want 4 6 7; %v", lines, err)
	}
	if len(sink.refused) != 1 || sink.records[0].Line != 8 {
		t.Errorf("the broken element: %q on line %v", sink.refused, sink.records)
	}
}

// Whatever the bytes are, each line is either a record or refused with its number, and nothing panics.
func FuzzLines(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("{\"type\":\"layout\",\"id\":\"x\",\"venue\":\"y\",\"sections\":[{\"name\":\"a\",\"level\":\"b\",\"rows\":[{\"name\":\"1\",\"seats\":1}]}]}\n\xff\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		sink := &told{}
		if err := readLines(context.Background(), "f", bytes.NewReader(b), sink); err != nil {
			t.Fatal(err)
		}
		for _, r := range sink.records {
			if r.Line < 1 || r.Line > bytes.Count(b, []byte("\n"))+1 {
				t.Errorf("line %d", r.Line)
			}
			if r.event != nil && r.event.check() != nil {
				t.Error("an event that does not pass its own check was taken")
			}
		}
	})
}

// The same for a file of openfootball.
func FuzzOpenfootball(f *testing.F) {
	f.Add([]byte(`{"name":"Cup","matches":[{"round":"Final","num":1,"date":"2026-07-19","time":"15:00 UTC-4","team1":"A","team2":"B","ground":"Toronto"}]}`))
	f.Add([]byte(`{"matches":[{"date":"x"}, 3, null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		football, err := newFootball(Options{})
		if err != nil {
			t.Fatal(err)
		}
		files := fstest.MapFS{"c.json": {Data: b}, "c.stadiums.json": {Data: []byte(
			`{"name":"Cup","stadiums":[{"city":"Toronto","cc":"ca","name":"Dome","capacity":100,"coords":"43°38'0\"N 79°25'07\"W"}]}`)}}
		sink := &told{}
		if err := football.read(context.Background(), files, "c.json", sink); err != nil {
			t.Fatal(err)
		}
		for _, r := range sink.records {
			if r.event != nil && r.event.check() != nil {
				t.Error("an event that does not pass its own check was taken")
			}
		}
	})
}
