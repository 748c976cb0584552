package gateway

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"usher/catalog"
)

// calendar is an event for a fan's calendar (RFC 5545). Its UID is the event's: whoever adds it twice, or with his ticket later, has it once.
func calendar(show *catalog.Show, url, details string, now time.Time) []byte {
	c := ics.NewCalendar()
	c.SetProductId("-//Usher//Events//EN")
	c.SetMethod(ics.MethodPublish)
	e := c.AddEvent(show.Event.String() + "@usher")
	e.SetDtStampTime(now)
	e.SetStartAt(show.Start)
	e.SetEndAt(show.End)
	e.SetSummary(oneLine(show.Name))
	e.SetLocation(oneLine(show.Venue.Name + ", " + show.Venue.Location))
	e.SetURL(url)
	e.SetDescription(oneLine(details))
	if lat, lon := show.Venue.Latitude, show.Venue.Longitude; lat != nil && lon != nil {
		e.SetProperty(ics.ComponentPropertyGeo, fmt.Sprintf("%.6f;%.6f", *lat, *lon))
	}
	return []byte(c.Serialize(ics.WithNewLineWindows))
}

// oneLine takes out what does not print: a line break in a name must not begin a property.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
}

// calendar answers with a calendar file. The name of the file is the event's id: names of events have letters that headers have not.
func (c *call) calendar(show *catalog.Show, url, details string) {
	c.set("Content-Disposition", `attachment; filename="`+show.Event.String()+`.ics"`)
	c.body(200, "text/calendar; charset=utf-8", calendar(show, url, details, time.Now()))
}
