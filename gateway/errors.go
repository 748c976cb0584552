package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/valyala/fasthttp"

	"usher/booking"
	"usher/catalog"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/search"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// answers is the one table from error values to problems.
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

// problemOf words an error. What the table does not know is a fault of ours and told without detail.
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
			p := problem.New(a.slug, a.err.Error())
			if p.Status >= 500 {
				s.Log.Warn("a call could not be served", "problem", p.Slug, "err", err)
			}
			return p
		}
	}
	return nil
}

// withMembers words the errors that carry more than their kind.
func withMembers(err error) *problem.Problem {
	var unavailable *booking.UnavailableError
	var required *booking.HoldRequiredError
	var limit *booking.HoldLimitError
	var together *booking.NoSeatsTogetherError
	var declined *booking.DeclinedError
	switch {
	case errors.As(err, &unavailable):
		alternatives := []ticketJSON{}
		for _, t := range unavailable.Alternatives {
			alternatives = append(alternatives, ticketOf(t))
		}
		return problem.New("ticket-unavailable", err.Error()).With("ticketIds", names(unavailable.Tickets)).With("alternatives", alternatives)
	case errors.As(err, &required):
		return problem.New("hold-required", err.Error()).With("ticketIds", names(required.Tickets))
	case errors.As(err, &limit):
		return problem.New("hold-limit-reached", err.Error()).With("limit", limit.Limit)
	case errors.As(err, &together):
		return problem.New("no-seats-together", err.Error()).With("largest_block", together.LargestBlock)
	case errors.As(err, &declined):
		return problem.New("payment-declined", err.Error()).With("reason", declined.Reason)
	}
	return nil
}

func names(tickets []id.Ticket) []string {
	out := []string{}
	for _, t := range tickets {
		out = append(out, t.String())
	}
	return out
}

// answerError writes an error as application/problem+json.
func (s *Server) answerError(ctx *fasthttp.RequestCtx, err error) {
	p := s.problemOf(err)
	if p == nil {
		s.Log.Error("a call failed", "method", string(ctx.Method()), "path", string(ctx.Path()), "err", err,
			"request_id", string(ctx.Response.Header.Peek("Request-Id")))
		p = problem.New("internal", "")
	}
	problemsTotal(p.Slug)
	body := map[string]any{
		"type": "/problems/" + p.Slug, "title": p.Title, "status": p.Status, "detail": p.Detail,
		"instance": clip(string(ctx.Path())), "request_id": string(ctx.Response.Header.Peek("Request-Id")),
	}
	for k, v := range p.Members {
		body[k] = v
	}
	if len(p.Errors) > 0 {
		body["errors"] = p.Errors
	}
	if p.Status == 429 || p.Status == 503 || p.Slug == "room-full" || p.Slug == "request-in-progress" {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(max(p.RetryAfter, 1)))
	}
	for k, v := range p.Headers {
		ctx.Response.Header.Set(k, v)
	}
	text, _ := json.Marshal(body) // of strings and numbers: cannot fail
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.Response.Header.SetContentType("application/problem+json")
	ctx.Response.SetStatusCode(p.Status)
	ctx.Response.SetBody(text)
}
