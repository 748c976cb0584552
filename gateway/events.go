package gateway

import (
	"bytes"
	"strconv"
	"strings"

	"usher/catalog"
	"usher/gateway/openapi"
)

// getEvent shows an event with its tickets. The catalog has rendered it already: the handler adds what belongs to HTTP.
func (s *Server) getEvent(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	v, err := s.Catalog.Event(c.context(), e, string(c.http.QueryArgs().Peek("tickets_cursor")))
	if err != nil {
		return err
	}
	c.view(v, briefly)
	return nil
}

// getSeats shows the state of every seat in one digit each: what a page asks for again while somebody chooses.
func (s *Server) getSeats(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	v, err := s.Catalog.Seats(c.context(), e)
	if err != nil {
		return err
	}
	c.view(v, briefly)
	return nil
}

// getLayout shows what a seat map is drawn from. It changes when the event itself does, which is rarely.
func (s *Server) getLayout(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	v, err := s.Catalog.Layout(c.context(), e)
	if err != nil {
		return err
	}
	c.view(v, layoutKept)
	return nil
}

// layoutKept is how long anybody may keep a layout: for so long at most somebody sees old prices there. Holding shows the new ones.
const layoutKept = "public, max-age=60"

// view answers with a rendered view, or 304 when the caller has it. Any cache may keep it for the time given, and then asks again by its
// tag; a view that may be older than a second, because a store is away, says so. It is compressed once for all who can read that, under a tag of
// its own, as a strong tag must be.
func (c *call) view(v *catalog.View, kept string) {
	tag := v.ETag
	encoding, packed := c.encoding(v.Body)
	if packed {
		tag = strings.TrimSuffix(tag, `"`) + "-" + encoding.name + `"`
	}
	c.set("ETag", tag)
	c.set("Cache-Control", kept)
	if v.Stale > 0 {
		c.set("Usher-Degraded", "stale")
		c.set("Age", strconv.Itoa(seconds(v.Stale)))
	}
	if hasTag(c.in.Peek("If-None-Match"), tag) {
		_ = c.empty(304)
		return
	}
	body := v.Body
	if packed {
		c.set("Content-Encoding", encoding.name)
		body = v.Packed(encoding.name, encoding.pack)
	}
	c.body(200, typeJSON, body)
}

// hasTag reports whether an If-None-Match header names the tag; weak comparison, as RFC 9110 wants it.
func hasTag(header []byte, tag string) bool {
	if len(header) == 0 {
		return false
	}
	for candidate := range bytes.SplitSeq(header, []byte(",")) {
		candidate = bytes.TrimPrefix(bytes.TrimSpace(candidate), []byte("W/"))
		if string(candidate) == tag || string(candidate) == "*" {
			return true
		}
	}
	return false
}

func (s *Server) getOpenAPI(c *call) error { return c.document(openapi.Public) }

func (s *Server) getAdminOpenAPI(c *call) error { return c.document(openapi.Admin) }

// document answers with a text that changes with the binary only.
func (c *call) document(text []byte) error {
	c.set("Cache-Control", "public, max-age=60")
	c.body(200, typeJSON, text)
	return nil
}
