package gateway

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"
)

const hostile = "</script><img src=x onerror=alert(1)>\"'&;,\\\r\nATTENDEE:mailto:evil@example.org"

func TestACalendarFile(t *testing.T) {
	t.Parallel()
	show, err := (&fakeCatalog{}).Show(context.Background(), guarded)
	if err != nil {
		t.Fatal(err)
	}
	text := string(calendar(show, "http://usher.test/events/x", strings.Repeat("Löng détails ", 30), noon))
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\n", "BEGIN:VEVENT\r\n", "UID:" + guarded.String() + "@usher\r\n", "DTSTAMP:20260611T120000Z\r\n", "DTSTART:20260611T200000Z\r\n",
		"DTEND:20260611T220000Z\r\n", "SUMMARY:A <match>\r\n", `LOCATION:The stadium\, Oslo\, NO` + "\r\n", "GEO:59.900000;10.700000\r\n", "END:VCALENDAR\r\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	facts := *show.Facts
	facts.Name, facts.Venue.Name, facts.Venue.Location = hostile, hostile, hostile
	show.Facts = &facts
	text = string(calendar(show, "http://usher.test/events/x", hostile, noon))
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if strings.ContainsAny(line, "\r\n") || len(line) > 76 || !utf8.ValidString(line) {
			t.Errorf("line %q", line)
		}
		if strings.HasPrefix(line, "ATTENDEE") {
			t.Errorf("a name has become a property: %q", line)
		}
	}
}
