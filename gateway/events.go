package gateway

import (
	"bytes"
	"strconv"

	"usher/catalog"
	"usher/gateway/openapi"
)

func (s *Server) getEvent(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	v, err := s.Catalog.Event(c, e, string(c.QueryArgs().Peek("tickets_cursor")))
	if err != nil {
		return err
	}
	return c.view(v)
}

func (s *Server) getSeats(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	v, err := s.Catalog.Seats(c, e)
	if err != nil {
		return err
	}
	return c.view(v)
}

// view answers with a rendered view, or 304 when the caller has it.
func (c *call) view(v *catalog.View) error {
	h := &c.Response.Header
	h.Set("ETag", v.ETag)
	h.Set("Cache-Control", "public, max-age=1")
	if v.Stale > 0 {
		h.Set("Usher-Degraded", "stale")
		h.Set("Age", strconv.Itoa(seconds(v.Stale)))
	}
	if matches(c.Request.Header.Peek("If-None-Match"), v.ETag) {
		c.SetStatusCode(304)
		return nil
	}
	h.SetContentType("application/json; charset=utf-8")
	c.Response.SetBodyRaw(v.Body)
	return nil
}

// matches reports whether an If-None-Match header names the tag; weak comparison, as RFC 9110 wants it.
func matches(header []byte, tag string) bool {
	for candidate := range bytes.SplitSeq(header, []byte(",")) {
		candidate = bytes.TrimPrefix(bytes.TrimSpace(candidate), []byte("W/"))
		if string(candidate) == tag || string(candidate) == "*" {
			return true
		}
	}
	return false
}

func (s *Server) getOpenAPI(c *call) error      { return c.document(openapi.Public) }
func (s *Server) getAdminOpenAPI(c *call) error { return c.document(openapi.Admin) }

func (c *call) document(text []byte) error {
	c.Response.Header.Set("Cache-Control", "public, max-age=60")
	c.Response.Header.SetContentType("application/json; charset=utf-8")
	c.Response.SetBodyRaw(text)
	return nil
}
