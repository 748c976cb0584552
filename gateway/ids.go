package gateway

import (
	"fmt"

	"usher/booking"
	"usher/internal/id"
)

// event reads the event id of the path. Text that is no id names nothing: it is not found, not malformed, for ids are opaque to callers.
func (c *call) event() (id.Event, error) {
	e, err := id.ParseEvent(c.params[0])
	if err != nil {
		return 0, booking.ErrEventNotFound
	}
	return e, nil
}

// ticket reads event and ticket of the path. A ticket of another event is not found at this one.
func (c *call) ticket() (e id.Event, t id.Ticket, err error) {
	if e, err = c.event(); err != nil {
		return e, t, err
	}
	if t, err = id.ParseTicket(c.params[1]); err != nil || t.Event() != e {
		return e, t, booking.ErrTicketNotFound
	}
	return e, t, nil
}

// tickets reads the ticketIds of a body: 1 to the limit of a visitor, distinct. A list that asks for a seat twice is a mistake of the
// caller that would otherwise look like a seat taken by himself.
func (s *Server) tickets(body *members) ([]id.Ticket, error) {
	const member = "ticketIds"
	ids := body.texts(member)
	if len(ids) == 0 || len(ids) > s.Limit {
		body.fault(member, fmt.Sprintf("%d tickets, want 1 to %d", len(ids), s.Limit))
	}
	seen := map[string]bool{}
	for i, text := range ids {
		if seen[text] {
			body.fault(fmt.Sprintf("%s[%d]", member, i), "stands twice")
		}
		seen[text] = true
	}
	if err := body.err(); err != nil {
		return nil, err
	}
	out := make([]id.Ticket, 0, len(ids))
	for _, text := range ids {
		t, err := id.ParseTicket(text)
		if err != nil {
			return nil, booking.ErrTicketNotFound
		}
		out = append(out, t)
	}
	return out, nil
}
