package gateway

import (
	"bytes"
	"fmt"
	"net/url"
	"time"

	"usher/booking"
	"usher/gateway/page"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/search"
)

// render answers with a page.
func (c *call) render(status int, name string, data any) error {
	text, err := page.Render(name, data)
	if err != nil {
		return err
	}
	c.set("Content-Security-Policy", page.Policy)
	c.set("Referrer-Policy", "same-origin")
	c.body(status, "text/html; charset=utf-8", text)
	return nil
}

// wantsPage reports whether a person looks: the path is not of an API, and the client asks for HTML.
func (c *call) wantsPage() bool {
	path := c.in.RequestURI()
	for _, api := range []string{"/api/", "/admin/", "/.well-known/", "/openapi.json"} {
		if bytes.HasPrefix(path, []byte(api)) {
			return false
		}
	}
	return bytes.Contains(c.in.Peek("Accept"), []byte("text/html"))
}

// getStyle serves the style sheet from here, so that the policy of the pages needs no exception for styles in them.
func (s *Server) getStyle(c *call) error {
	c.set("Cache-Control", "public, max-age=3600")
	c.body(200, "text/css; charset=utf-8", page.Style)
	return nil
}

// getProblem explains a problem; problems name this page as their type.
func (s *Server) getProblem(c *call) error {
	k, ok := problem.Find(c.params[0])
	if !ok {
		return problem.New("not-found", "no problem of that name")
	}
	c.set("Cache-Control", "public, max-age=3600")
	return c.render(200, "problem", k)
}

// homeParameters are those of the search that the first page knows.
var homeParameters = []string{"location", "performer", "start_date", "page_cursor"}

// homePage is a search with its form.
type homePage struct {
	Location, Performer, From, Next string
	Total                           int
	Events                          []homeEvent
}

type homeEvent struct {
	search.Hit
	Room string // of an active room in front
}

// getHome lists what is on, from today.
func (s *Server) getHome(c *call) error {
	args := c.http.QueryArgs()
	q, err := parseSearch(func(name string) string { return string(args.Peek(name)) })
	if err != nil {
		return err
	}
	if q.StartDate.IsZero() {
		q.StartDate = time.Now().UTC().Truncate(24 * time.Hour)
	}
	found, err := s.find(c, q)
	if err != nil {
		return err
	}
	data := homePage{Location: string(args.Peek("location")), Performer: q.Performer, From: q.StartDate.Format(time.DateOnly), Total: found.Total}
	for _, h := range found.Events {
		e := homeEvent{Hit: h}
		if r, ok := s.Waitroom.RoomOf(h.ID); ok && r.Active {
			e.Room = r.Room
		}
		data.Events = append(data.Events, e)
	}
	if found.NextCursor != "" {
		next := url.Values{"start_date": {data.From}, "page_cursor": {found.NextCursor}}
		if data.Location != "" {
			next.Set("location", data.Location)
		}
		if data.Performer != "" {
			next.Set("performer", data.Performer)
		}
		data.Next = "/?" + next.Encode()
	}
	return c.render(200, "home", data)
}

// bookingPage is a booking in words for people.
type bookingPage struct {
	booking.Booking
	Price, Until string
}

// getBookingPage shows a booking to the visitor who made it.
func (s *Server) getBookingPage(c *call) error {
	b, v, err := s.mine(c)
	if err != nil {
		return err
	}
	out, err := s.Desk.Booking(c.context(), v, b)
	if err != nil {
		return err
	}
	data := bookingPage{Booking: out, Price: money(out.Total, out.Currency)}
	if out.Status == booking.Reserved {
		data.Until = out.ExpirationTime.UTC().Format("15:04:05 MST")
	}
	return c.render(200, "booking", data)
}

// getActionPage asks the payer, for the sandbox.
func (s *Server) getActionPage(c *call) error {
	attempt, err := id.ParseKey(c.params[0])
	if err != nil || s.Sandbox == nil {
		return problem.New("not-found", "no such action")
	}
	return c.render(200, "action", actionPage{Attempt: attempt})
}

// actionPage is what the payer sees, before and after his answer.
type actionPage struct {
	Attempt id.Key
	Done    string
}

// postActionForm is the payer's answer on that page.
func (s *Server) postActionForm(approve bool) handle {
	return func(c *call) error {
		if err := s.answerAction(c, approve); err != nil {
			return err
		}
		attempt, _ := id.ParseKey(c.params[0])
		return c.render(200, "action", actionPage{attempt, "Answered. The shop will know in a moment."})
	}
}

// money words an amount of minor units. Every currency that the catalog has so far has two digits of them, but for the yen.
func money(minor int64, currency string) string {
	if currency == "JPY" || currency == "KRW" {
		return fmt.Sprintf("%d %s", minor, currency)
	}
	return fmt.Sprintf("%d.%02d %s", minor/100, minor%100, currency)
}
