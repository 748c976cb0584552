package catalog

import (
	"encoding/json"
	"testing"
	"time"
)

func FuzzStringsAreThoseOfEncodingJSON(f *testing.F) {
	for _, s := range []string{"", "plain", `"quoted\"`, "<script>&amp;", "tab\tline\n", "\x00\x1f\x7f", "Zürich 東京 \u2028\u2029", "\xff\xc0broken", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got, want string
		standard, _ := json.Marshal(s)
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if err := json.Unmarshal(standard, &want); err != nil || got != want {
			t.Errorf("%q comes back as %q, want %q", s, got, want)
		}
		for _, c := range appendString(nil, s) {
			if c == '<' || c == '>' || c == '&' {
				t.Errorf("%q is written with %c", s, c)
			}
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(sealCursor([]byte("k"), testEvent, 2000))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if seat, err := openCursor([]byte("k"), testEvent, 10_000, s); err == nil && sealCursor([]byte("k"), testEvent, seat) != s {
			t.Errorf("cursor %q is a second spelling of seat %d", s, seat)
		}
	})
}

func TestTimes(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -5*3600)
	for want, at := range map[string]time.Time{
		`"2026-12-01T20:00:00-05:00"`: time.Date(2026, 12, 1, 20, 0, 0, 0, zone),
		`"2026-12-01T20:00:00.25Z"`:   time.Date(2026, 12, 1, 20, 0, 0, 250_999_999, time.UTC),
	} {
		if got := string(appendTime(nil, at)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
