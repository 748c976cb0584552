package gateway

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"usher/catalog"
	"usher/internal/id"
)

// calendar is an event for a fan's calendar (RFC 5545).
func calendar(show *catalog.Show, url, details string, now time.Time) []byte {
	c := ics.NewCalendar()
	c.SetProductId("-//Usher//Events//EN")
	c.SetMethod(ics.MethodPublish)
	addEntry(c, entry{
		event: show.Event, name: show.Name, place: show.Venue.Name + ", " + show.Venue.Location, start: show.Start, end: show.End,
		latitude: show.Venue.Latitude, longitude: show.Venue.Longitude, url: url, details: details, stamp: now,
	})
	return []byte(c.Serialize(ics.WithNewLineWindows))
}

// entry is an event as calendars show it.
type entry struct {
	event               id.Event
	name, place         string
	start, end          time.Time
	latitude, longitude *float64
	url, details        string
	stamp               time.Time
}

// addEntry adds an event. Its UID is the event's: whoever adds it twice, or with his ticket later, or subscribes to a search, has it once.
func addEntry(c *ics.Calendar, of entry) {
	e := c.AddEvent(of.event.String() + "@usher")
	e.SetDtStampTime(of.stamp)
	e.SetStartAt(of.start)
	e.SetEndAt(of.end)
	e.SetSummary(oneLine(of.name))
	e.SetLocation(oneLine(of.place))
	e.SetURL(of.url)
	e.SetDescription(oneLine(of.details))
	if of.latitude != nil && of.longitude != nil {
		e.SetProperty(ics.ComponentPropertyGeo, fmt.Sprintf("%.6f;%.6f", *of.latitude, *of.longitude))
	}
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
