package listing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	r := reader(t, Defaults{})
	f := func(s, want string) {
		t.Helper()
		list, code, err := parseAmounts(s)
		got := "none"
		if err == nil {
			if got, err = "", nil; code == "" {
				code = "EUR"
			}
			code, prices, err := r.prices([]offer{{list, code}}, "DE")
			if got = fmt.Sprint(code, prices); err != nil {
				got = err.Error()
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
	f("25", "EUR[2500]")
	f("25.5", "EUR[2550]")
	f("25,50 €", "EUR[2550]")
	f("€ 1.250,00", "EUR[125000]")
	f("$1,250.00", "EUR[125000]") // a bare dollar sign is the country's money
	f("US$ 20", "USD[2000]")
	f("1 250 CHF", "CHF[125000]")
	f("1'250.-", "EUR[125000]")
	f("1,250", "EUR[125000]")
	f("0,250", "EUR[25]")
	f("1.234.567", "EUR[123456700]")
	f("20–35 EUR", "EUR[3500 2000]")
	f("from £12.50 to £24", "GBP[2400 1250]")
	f("12 / 18 / 24", "EUR[2400 1800 1200]")
	f("JPY 5,000", "JPY[5000]")
	f("9.5 KWD", "KWD[9500]")
	f("Free", "EUR[0]")
	f("24.995", "EUR[2499500]") // three digits part thousands in text
	f("-5", "none")
	f("call us", "none")
	f("2 for 20", "none")
	f("", "none")
	f("99999999999", "none")
	f("999999999", "price 999999999 is too high")
	f("٥", "none")
}

func TestNumbersOfJSONHaveTheirPoint(t *testing.T) {
	t.Parallel()
	f := func(s string, want int) {
		t.Helper()
		a, ok := parseDecimal(s)
		if got, err := a.minor(2); (ok && err == nil) != (want >= 0) || want >= 0 && got != want {
			t.Errorf("%s: %d %t %v, want %d", s, got, ok, err, want)
		}
	}
	f("24.995", 2500)
	f("24.990000000000002", 2499)
	f("1.234", 123)
	f("2.5e1", 2500)
	f("0", 0)
	f("-3", -1)
	f("1e400", -1)
	f("1e300", -1)
}

func TestMoments(t *testing.T) {
	t.Parallel()
	toronto, err := time.LoadLocation("America/Toronto")
	if err != nil {
		t.Fatal(err)
	}
	f := func(s, end, want string) {
		t.Helper()
		m, err := parseMoment(s)
		got := "none"
		if err == nil {
			from, length, _, err := times{start: s, end: end}.span(m, toronto)
			if got = from.UTC().Format("2006-01-02T15:04") + " " + length.String(); err != nil {
				got = "error"
			}
		}
		if got != want {
			t.Errorf("%q to %q: %s, want %s", s, end, got, want)
		}
	}
	f("2027-02-01T20:00:00-05:00", "", "2027-02-02T01:00 2h30m0s")
	f("2027-02-01T20:00-0500", "", "2027-02-02T01:00 2h30m0s")
	f("2027-02-01t20:00:00.000z", "", "2027-02-01T20:00 2h30m0s")
	f("2027-02-01 20:00", "2027-02-01 22:00", "2027-02-02T01:00 2h0m0s")
	f("2027-2-1 8:00 -05:00", "", "2027-02-01T13:00 2h30m0s")
	f("2027-02-01", "", "2027-02-02T01:00 2h30m0s") // 20:00 at the venue
	f("2027-02-01", "2027-02-01", "2027-02-02T01:00 3h0m0s")
	f("2027-02-01", "2027-02-03", "2027-02-02T01:00 51h0m0s")
	f("2027-02-01T22:00", "2027-02-01T02:00", "2027-02-02T03:00 4h0m0s") // after midnight
	f("2027-02-01T22:00", "2027-02-01T22:00", "2027-02-02T03:00 2h30m0s")
	f("2027-02-01T22:00", "2027-01-30", "error")
	f("2027-02-01T22:00", "2027-06-30", "error")
	f("2027-02-01T22:00", "later", "error")
	f("2027-03-14T02:30", "", "2027-03-14T06:30 2h30m0s") // an hour that the zone leaves out
	f("9999-12-31T20:00", "", "error")
	f("0001-01-01", "", "error")
	f("01/02/2027", "", "none")
	f("Monday", "", "none")
	f("", "", "none")
	f(strings.Repeat("2", 1000), "", "none")
}

func TestCountries(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"DE": "DE", "de": "DE", "DEU": "DE", "Germany": "DE", "Deutschland": "DE", "Allemagne": "DE", "Alemania": "DE", "UK": "GB", "United Kingdom": "GB", "England": "GB",
		"USA": "US", "United States of America": "US", "Türkiye": "TR", "Turkey": "TR", "Côte d’Ivoire": "CI", "XX": "", "Atlantis": "", "": "", "EU": "", "419": "",
	} {
		if got, ok := country(in); got != want && ok || ok != (want != "") {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	f := func(p place, start, want string) {
		t.Helper()
		m, err := parseMoment(start)
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := reader(t, Defaults{}).venue(p, m)
		got := strings.Join([]string{v.Name, v.City, v.Country, v.Zone}, " | ")
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%+v from %s: %s, want %s", p, start, got, want)
		}
	}
	const local, east = "2027-02-01T20:00", "2027-02-01T20:00-05:00"
	f(place{address: "The Lantern, 12 Queen St W, Toronto, ON M5V 2A1, Canada"}, local, "The Lantern | Toronto | CA | America/Toronto")
	f(place{address: "The Lantern, Toronto, ON"}, local, "The Lantern | Toronto | CA | America/Toronto")
	f(place{address: "The Wiltern, 3790 Wilshire Blvd, Los Angeles, CA 90010"}, local, "The Wiltern | Los Angeles | US | America/Los_Angeles")
	f(place{address: "Halle, 80331 Neustadt am Wald, Germany"}, local, "Halle | Neustadt am Wald | DE | Europe/Berlin")
	f(place{address: "Le Club, Berlin"}, local, "Le Club | Berlin | DE | Europe/Berlin")
	f(place{address: "The Lantern"}, local, `the country of "The Lantern" is not known: give addressCountry`)
	f(place{name: "A", city: "Smalltown", country: "FR"}, local, "A | Smalltown | FR | Europe/Paris")
	f(place{name: "A", city: "Smalltown", country: "US"}, local, `the time zone of "Smalltown", US is not known: give geo`)
	f(place{name: "A", city: "Smalltown", country: "US"}, east, "A | Smalltown | US | America/New_York")
	f(place{name: "A", city: "Smalltown", country: "US"}, "2027-02-01T20:00-07:00", `the time zone of "Smalltown", US is not known`) // Phoenix or Denver
	f(place{name: "A", country: "CA", latitude: "43,6532", longitude: "-79.3832"}, local, "A | Toronto | CA | America/Toronto")
	f(place{name: "A", city: "Toronto", latitude: "43,6532", longitude: "-79.3832"}, local, "A | Toronto | CA | America/Toronto")
	f(place{name: "A", city: "Toronto", latitude: "-43,6532", longitude: "-79.3832"}, local, `the country of "A" is not known`)
	f(place{name: "A", latitude: "43,6532", longitude: "-79.3832"}, local, `the country of "A" is not known`)
	f(place{name: "A", city: "Marfa", country: "US", latitude: "30.3095", longitude: "-104.0206"}, local, `the time zone of "Marfa", US is not known`)
	f(place{name: "A", city: "B", country: "DE", zone: "Mars/Olympus"}, local, `time zone "Mars/Olympus" is not known`)
	f(place{name: "A", city: "B", country: "DE", zone: "Local"}, local, `time zone "Local" is not known`)
	f(place{name: "A", city: "B", country: "Atlantis"}, local, `country "Atlantis" is not known`)
	f(place{name: "A", latitude: "0", longitude: "0"}, local, `the country of "A" is not known`)
	f(place{name: "A", latitude: "NaN", longitude: "1e999", city: "Lyon"}, local, "A | Lyon | FR | Europe/Paris")
	f(place{city: "Lyon", country: "FR"}, local, "the place has no name")
	f(place{name: "A", country: "FR"}, local, `the city of "A" is not known`)
}

func TestDefaultsCountWhereNothingIsSaid(t *testing.T) {
	t.Parallel()
	const text = `{"@type": "Event", "name": "E", "startDate": "2027-02-01T20:00", "location": {"name": "A", "address": {"addressLocality": "Smalltown"}}}`
	for _, d := range []Defaults{{Country: "Nowhere"}, {Zone: "Nowhere/At_All"}, {Price: "dear"}} {
		if _, err := New(d); err == nil {
			t.Errorf("%+v was taken", d)
		}
	}
	found, err := read(reader(t, Defaults{Country: "usa", Zone: "America/Boise", Price: "12.50"}), "a.jsonld", strings.NewReader(text))
	if err != nil || len(found) != 1 || found[0].Err != nil {
		t.Fatalf("%v %+v", err, found)
	}
	if e := found[0].Event; e.Venue.Zone != "America/Boise" || e.Venue.Country != "US" || e.Currency != "USD" || len(e.Prices) != 1 || e.Prices[0] != 1250 {
		t.Errorf("%+v", e)
	}
	found, _ = read(reader(t, Defaults{}), "a.jsonld", strings.NewReader(text))
	if len(found) != 1 || found[0].Err == nil {
		t.Errorf("without defaults: %+v", found)
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Rock &amp;amp; Roll": "Rock & Roll", "<b>Bold</b>er": "Bolder", "a<br/>b": "a b", "AT&T": "AT&T", "I <3 you": "I <3 you", "x<script>alert(1)</script>y": "x y",
		"&lt;i&gt;L&lt;/i&gt;": "L", "The <Untitled> Tour": "The <Untitled> Tour", "<img src=x onerror=alert(1)>": "", " a\u00a0\u200b b\x00\x1b ": "a b", "\xff": "\uFFFD", "It&#8217;s": "It’s",
	} {
		if got := line(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := paragraphs("<p>One\n two</p><p>Three</p>"); got != "One\ntwo\n\nThree" {
		t.Errorf("paragraphs: %q", got)
	}
}

func TestMend(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"{\"a\": \"x\ny\"}", `{"a": [1, 2, ], }`, `{"a": "x,]"};`, "<!-- {\"a\": 1} -->", "//<![CDATA[\n{\"a\": 1}\n//]]>", `{"a": "\\", "b": "\","}`,
	} {
		if v, err := decode([]byte(in)); err != nil || v == nil {
			t.Errorf("%q: %v", in, err)
		}
	}
	for _, in := range []string{`{"a": }`, `{"a": 1} {"b": 2}`, `{"a" 1}`, "\xff"} {
		if v, err := decode([]byte(in)); err == nil {
			t.Errorf("%q was taken as %v", in, v)
		}
	}
	if v, err := decode([]byte(`{"a": "x,]", "b": "\"}"}`)); err != nil || fmt.Sprint(v) != `map[a:x,] b:"}]` {
		t.Errorf("a text was changed: %v %v", v, err)
	}
}

// event is a plain event with some members changed or, for null, gone.
func event(change string) string {
	all := map[string]any{}
	_ = json.Unmarshal([]byte(`{"@type": "Event", "name": "E", "startDate": "2027-02-01T20:00", "location": "The Lantern, Toronto, ON", "offers": {"price": 10}}`), &all)
	_ = json.Unmarshal([]byte(change), &all)
	text, _ := json.Marshal(all)
	return string(text)
}

func TestWhatIsRefusedAndWhy(t *testing.T) {
	t.Parallel()
	r := reader(t, Defaults{})
	f := func(text, want string) {
		t.Helper()
		found, err := read(r, "a.jsonld", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := describe(found); !strings.Contains(got, want) {
			t.Errorf("%.200s: %.400s, want %s", text, got, want)
		}
	}
	f(event(`{}`), "line 1: E\n")
	f(event(`{"name": null}`), "an event without a name: the name has 0 bytes")
	f(event(`{"name": "`+strings.Repeat("x", 400)+`"}`), "the name has 400 bytes")
	f(event(`{"startDate": null}`), "no startDate")
	f(event(`{"location": null}`), "the place has no name")
	f(event(`{"location": "https://stream.example/"}`), "it is online")
	f(event(`{"eventAttendanceMode": "https://schema.org/OnlineEventAttendanceMode", "location": null}`), "it is online")
	f(event(`{"eventStatus": "https://schema.org/EventPostponed"}`), "postponed without a new date")
	f(event(`{"offers": null}`), "no price: name one in offers")
	f(event(`{"offers": {"price": "call us"}}`), `price "call us" is no amount`)
	f(event(`{"offers": {"price": 10, "priceCurrency": "DOLLAR"}}`), `currency "DOLLAR" is not of ISO 4217`)
	f(event(`{"offers": [{"price": 10, "priceCurrency": "USD"}, {"price": 12, "priceCurrency": "CAD"}]}`), "CAD [1200]")
	f(event(`{"offers": {"price": 1e12}}`), "is no amount")
	f(event(`{"maximumAttendeeCapacity": "many"}`), `"many" is no number of seats`)
	f(event(`{"maximumAttendeeCapacity": 1e300}`), "is no number of seats")
	f(event(`{"maximumAttendeeCapacity": -1}`), "is no number of seats")
	f(event(`{"performer": [`+strings.TrimSuffix(strings.Repeat(`"p",`, 10), ",")+`]}`), "[{act/882a20e6379eb83a p}]")
	f(event(`{"description": "`+strings.Repeat("long ", 10_000)+`"}`), "details of more than 20000 bytes are clipped")
	f(event(`{"@id": "`+"https://a.example/"+strings.Repeat("x", 500)+`"}`), "key event/")
	f(event(`{"@id": "_:b0", "url": "javascript:alert(1)"}`), "key event/")
	f(event(`{"image": ["javascript:alert(1)", {"url": "https://a.example/b.jpg"}]}`), "https://a.example/b.jpg")
	f(`{"@type": "Event", "x": `+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`, "nested more than 64 deep")
	f(`{"@type": "Event", "x": `+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}`, "not JSON: ")
	f("\xff\xfe{}", "it is no JSON")
	f("{\"@type\": \"Event\", \"name\": \"\xff\"}", "it is not UTF-8")
	f("<html></html>", "the rest of the file cannot be read: it is no JSON")
	f("", "no event of schema.org in it")
	f("{}", "no event of schema.org in it")
	f(`{"@type": "Event", "name": "`+strings.Repeat("x", maxValue)+"\"}\n"+event(`{}`), "line 2: E\n")
	f(`{"@type": "Event", "name": "`+strings.Repeat("x", maxValue)+`"}`, "a JSON-LD value of more than 4194304 bytes")
	f(`[{"@type": "Event", "name": "cut }`, "not JSON: unexpected EOF")
}

// References that lead to each other again and again must not make a page of a few bytes a work without end.
func TestReferencesEnd(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"@graph": [`)
	for i := range 60 {
		parts := strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"@id": "#%d"},`, (i+1)%60), 20), ",")
		fmt.Fprintf(&b, `{"@id": "#%d", "@type": "Event", "startDate": "2027-01-01", "subEvent": [%s]},`, i, parts)
	}
	b.WriteString(`{}]}`)
	found, err := read(reader(t, Defaults{}), "a.jsonld", strings.NewReader(b.String()))
	if err != nil || len(found) != 1 || !errors.Is(found[0].Err, errTooMany) {
		t.Errorf("%v, %d found", err, len(found))
	}
}

// endless gives the same bytes again and again, up to a number.
type endless struct {
	text string
	left int
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), e.left)], e.text[e.at:])
	e.at, e.left = (e.at+n)%len(e.text), e.left-n
	return n, nil
}

func TestAStreamIsReadRowByRow(t *testing.T) {
	t.Parallel()
	const head = "name;start_time;venue;city;country;price;seats\n"
	const row = "E;2027-02-01 20:00;The Lantern;Toronto;CA;10;50\n"
	rows := 0
	errStop := errors.New("enough")
	source := &endless{text: row, left: 1 << 40} // a terabyte
	err := reader(t, Defaults{}).CSV(context.Background(), io.MultiReader(strings.NewReader(head), source), func(f Found) error {
		if rows++; f.Err != nil || f.Line != rows+1 {
			t.Errorf("row %d on line %d: %v", rows, f.Line, f.Err)
		}
		if rows == 2000 {
			return errStop
		}
		return nil
	})
	if !errors.Is(err, errStop) || 1<<40-source.left > 2000*len(row)+(1<<20) {
		t.Errorf("%v after %d bytes", err, 1<<40-source.left)
	}
	source = &endless{text: `{"@type": "Event"}` + "\n", left: 1 << 40}
	rows = 0
	err = reader(t, Defaults{}).JSONLD(context.Background(), source, func(f Found) error {
		if rows++; f.Line != rows {
			t.Errorf("value %d on line %d", rows, f.Line)
		}
		if rows == 2000 {
			return errStop
		}
		return nil
	})
	if !errors.Is(err, errStop) {
		t.Error(err)
	}
	source = &endless{text: `"never closed `, left: 1 << 40}
	var found []Found
	err = reader(t, Defaults{}).CSV(context.Background(), io.MultiReader(strings.NewReader(head+row), source), func(f Found) error {
		found = append(found, f)
		return nil
	})
	if err != nil || len(found) != 2 || !errors.Is(found[1].Err, errLongRow) || found[1].Line != 3 || 1<<40-source.left > 2*maxRow {
		t.Errorf("%v, found %+v after %d bytes", err, found, 1<<40-source.left)
	}
}

func TestTablesThatAreNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "it is empty",
		"\xff\xfen\x00":                    "it is UTF-16",
		"name,start_time,venue,colour\n":   `column "colour" is not known`,
		"name,name,start_time,venue\n":     `column "name" stands twice`,
		"name,start_time\n":                `column "venue" is missing`,
		"name,start_time,venue\nL\xfcge,,": "it is not UTF-8",
		"name,start_time,venue\na\x00b,,":  "a character of value zero",
	} {
		found, err := read(reader(t, Defaults{}), "a.csv", strings.NewReader(text))
		if err != nil || len(found) != 1 || found[0].Err == nil || !strings.Contains(found[0].Err.Error(), want) {
			t.Errorf("%q: %v %v, want %s", text, err, describe(found), want)
		}
	}
	found, err := read(reader(t, Defaults{}), "a.csv", strings.NewReader("Name\tstart-time\tvenue\tcity\tcountry\tprice\tlatitude\nE\t2027-02-01\tV\tLyon\tFR\t10\t\n\t\t\t\t\t\t\n"))
	if err != nil || len(found) != 1 || found[0].Err != nil {
		t.Errorf("tabs: %v %s", err, describe(found))
	}
}

func TestPagesThatAreNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "no event in a script",
		"<p>nothing</p>":                    "no event in a script",
		"<p>\xff</p>":                       "it is not UTF-8",
		strings.Repeat("<p>x</p>\n", 2<<20): "a page of more than 16777216 bytes",
		`<script type="application/ld+json">{"@type": "Organization"}</script>`: "no event in a script",
	} {
		found, err := read(reader(t, Defaults{}), "a.html", strings.NewReader(text))
		if err != nil || len(found) != 1 || found[0].Err == nil || !strings.Contains(found[0].Err.Error(), want) {
			t.Errorf("%.50q: %v %v, want %s", text, err, describe(found), want)
		}
	}
}

// Whatever the bytes are: no panic, every event is one that can be stored, and every line exists.
func fuzz(f *testing.F, name string) {
	for _, d := range []string{"testdata/theatre.html", "testdata/festival.jsonld", "testdata/season.csv"} {
		if strings.HasSuffix(d, name) {
			f.Add(golden(f, d))
		}
	}
	r := reader(f, Defaults{Country: "DE", Zone: "Europe/Berlin", Price: "10"})
	f.Fuzz(func(t *testing.T, text string) {
		found, err := read(r, name, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			if x.Line < 1 || x.Line > strings.Count(text, "\n")+1 || (x.Err == nil) == (x.Event == nil) {
				t.Fatalf("%+v", x)
			}
			if e := x.Event; e != nil {
				sound(t, e)
			}
		}
	})
}

// sound reports what an event must never be.
func sound(t *testing.T, e *Event) {
	t.Helper()
	if e.Key == "" || len(e.Key) > maxKey || e.Name == "" || len(e.Name) > maxName || e.Name != line(e.Name) && !strings.ContainsAny(e.Name, "<&") {
		t.Errorf("key %q, name %q", e.Key, e.Name)
	}
	if e.Length < 0 || e.Length > maxLength || e.Start.Year() < 2000 || e.Start.Year() > 2300 || len(e.Details) > maxDetails {
		t.Errorf("%s for %s", e.Start, e.Length)
	}
	if len(e.Prices) == 0 || e.Prices[len(e.Prices)-1] < 0 || len(e.Currency) != 3 || e.Seats < 0 || e.Seats > 1<<20 || len(e.Performers) == 0 || len(e.Performers) > maxActs {
		t.Errorf("%v %s, %d seats, %v", e.Prices, e.Currency, e.Seats, e.Performers)
	}
	if v := e.Venue; v.Key == "" || len(v.Key) > maxKey || v.Name == "" || v.City == "" || len(v.Country) != 2 || checkZone(v.Zone) != nil {
		t.Errorf("%+v", v)
	}
}

func FuzzHTML(f *testing.F)   { fuzz(f, ".html") }
func FuzzJSONLD(f *testing.F) { fuzz(f, ".jsonld") }
func FuzzCSV(f *testing.F)    { fuzz(f, ".csv") }

func FuzzAmounts(f *testing.F) {
	f.Add("from £12.50 to 24,- €")
	f.Fuzz(func(t *testing.T, s string) {
		list, code, err := parseAmounts(s)
		if err == nil && (len(list) == 0 || len(list) > maxAmounts || code != "" && len(code) != 3) {
			t.Errorf("%q: %v %q", s, list, code)
		}
	})
}
