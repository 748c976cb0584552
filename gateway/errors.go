package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"usher/booking"
	"usher/booking/webhook"
	"usher/catalog"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/search"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// answers is the one table from error values to problems. The first that fits counts.
var answers = []struct {
	err  error
	slug string
}{
	{waitroom.ErrRoomNotFound, "room-not-found"},
	{waitroom.ErrRoomClosed, "room-closed"},
	{waitroom.ErrPlaceInvalid, "place-invalid"},
	{waitroom.ErrPlaceExpired, "place-expired"},
	{waitroom.ErrPlaceUsed, "place-used"},
	{waitroom.ErrGraceOver, "grace-over"},
	{waitroom.ErrNotCalled, "not-called"},
	{waitroom.ErrRoomFull, "room-full"},
	{waitroom.ErrPollTooFast, "poll-too-fast"},
	{waitroom.ErrLineUnavailable, "line-unavailable"},
	{waitroom.ErrSessionOver, "pass-expired"},
	{waitroom.ErrRenewalNotAllowed, "renewal-not-allowed"},
	{waitroom.ErrVisitorInvalid, "visitor-required"},
	{waitroom.ErrInvalidTransition, "invalid-transition"},
	{waitroom.ErrStale, "precondition-failed"},
	{waitroom.ErrBadCursor, "invalid-cursor"},
	{webhook.ErrNotFound, "webhook-not-found"},
	{webhook.ErrTooMany, "webhook-limit-reached"},
	{webhook.ErrNoMessage, "webhook-message-not-found"},
	{webhook.ErrBadCursor, "invalid-cursor"},
	{pass.ErrInvalid, "pass-invalid"},
	{pass.ErrExpired, "pass-expired"},
	{pass.ErrWrongRoom, "pass-wrong-room"},
	{booking.ErrEventNotFound, "event-not-found"},
	{booking.ErrTicketNotFound, "ticket-not-found"},
	{booking.ErrBookingNotFound, "booking-not-found"},
	{booking.ErrHoldNotFound, "hold-not-found"},
	{booking.ErrHoldCapReached, "hold-cap-reached"},
	{booking.ErrTicketsSpanEvents, "tickets-span-events"},
	{booking.ErrBookingExpired, "booking-expired"},
	{booking.ErrBookingNotPayable, "booking-not-payable"},
	{booking.ErrBookingNotCancellable, "booking-not-cancellable"},
	{booking.ErrExtensionNotAllowed, "extension-not-allowed"},
	{booking.ErrPaymentDetailsInvalid, "payment-details-invalid"},
	{booking.ErrOverloaded, "overloaded"},
	{booking.ErrIdempotencyKeyReused, "idempotency-key-reused"},
	{booking.ErrIdempotencyKeyInFlight, "request-in-progress"},
	{booking.ErrStoreUnavailable, "store-unavailable"},
	{catalog.ErrBadCursor, "invalid-cursor"},
	{search.ErrBadCursor, "invalid-cursor"},
	{context.DeadlineExceeded, "store-unavailable"},
	{context.Canceled, "store-unavailable"},
}

// problemOf words an error; nil for what the table does not know: a fault of ours, told without detail.
func (s *Server) problemOf(err error) *problem.Problem {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p
	}
	if p := withMembers(err); p != nil {
		return p
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return s.told(problem.New(a.slug, a.err.Error()), err)
		}
	}
	if away(err) {
		return s.told(problem.New("store-unavailable", ""), err)
	}
	return nil
}

// told logs why a call could not be served; an answer that is not a fault is not logged.
func (s *Server) told(p *problem.Problem, err error) *problem.Problem {
	if p.Status >= 500 {
		s.log.Warn("a call could not be served", "problem", p.Slug, "err", err)
	}
	return p
}

// away reports whether an error means that a store does not answer: a broken connection, or a class of SQLSTATE that says so.
func away(err error) bool {
	var network net.Error
	var sql interface{ SQLState() string }
	switch {
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	case errors.As(err, &sql) && len(sql.SQLState()) == 5:
		switch sql.SQLState()[:2] {
		case "08", "25", "40", "53", "55", "57", "58": // connection, read-only, conflict, resources, locked, shutting down or timeout, system
			return true
		}
	}
	return false
}

// withMembers words the errors that carry more than their kind.
func withMembers(err error) *problem.Problem {
	var unavailable *booking.UnavailableError
	var required *booking.HoldRequiredError
	var limit *booking.HoldLimitError
	var cool *booking.CoolDownError
	var stranded *booking.StrandedSeatError
	var together *booking.NoSeatsTogetherError
	var declined *booking.DeclinedError
	var rules *waitroom.RulesError
	var wish *webhook.WishError
	switch {
	case errors.As(err, &unavailable):
		return problem.New("ticket-unavailable", unavailable.Error()).
			With("ticketIds", names(unavailable.Tickets)).With("alternatives", ticketsOf(unavailable.Alternatives))
	case errors.As(err, &required):
		return problem.New("hold-required", required.Error()).With("ticketIds", names(required.Tickets))
	case errors.As(err, &limit):
		return problem.New("hold-limit-reached", limit.Error()).With("limit", limit.Limit)
	case errors.As(err, &cool):
		p := problem.New("hold-cool-down", cool.Error()).With("until", clock(cool.Until))
		p.RetryAfter = seconds(time.Until(cool.Until))
		return p
	case errors.As(err, &stranded):
		return problem.New("stranded-seat", stranded.Error()).
			With("ticketIds", names(idsOf(stranded.Stranded))).With("alternatives", ticketsOf(stranded.Alternatives))
	case errors.As(err, &together):
		return problem.New("no-seats-together", together.Error()).With("largest_block", together.LargestBlock)
	case errors.As(err, &declined):
		return problem.New("payment-declined", declined.Error()).With("reason", declined.Reason)
	case errors.As(err, &rules):
		return rulesInvalid(rules)
	case errors.As(err, &wish):
		return webhookInvalid(wish)
	}
	return nil
}

// rulesInvalid names everything that is wrong with the rules of a room.
func rulesInvalid(err *waitroom.RulesError) *problem.Problem {
	p := problem.New("room-rules-invalid", err.Error())
	for _, f := range err.Faults {
		p.Errors = append(p.Errors, problem.Field{Field: f.Member, Message: f.Message})
	}
	return p
}

func idsOf(tickets []booking.Ticket) (ids []id.Ticket) {
	for _, t := range tickets {
		ids = append(ids, t.ID)
	}
	return ids
}

// names words ticket ids; never null.
func names(tickets []id.Ticket) []string {
	out := make([]string, 0, len(tickets))
	for _, t := range tickets {
		out = append(out, t.String())
	}
	return out
}
