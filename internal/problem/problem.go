// Package problem is the registry of what can go wrong in the API, as RFC 9457 words it: a slug, a status, a title. A slug
// stands here before a handler uses it; the pages at /problems/{slug} are made from this table.
package problem

import (
	"slices"
	"strings"
)

// Kind is one kind of problem.
type Kind struct {
	Slug   string
	Status int
	Title  string
	Advice string // what the caller can do
}

// kinds is the table, in the order of slugs.
var kinds = []Kind{
	{"body-too-large", 413, "The body is too large", "Send at most 64 KiB."},
	{"booking-expired", 410, "The booking has expired", "Hold the seats again and make a new booking."},
	{"booking-id-mismatch", 422, "The booking id in the body is not the one in the path", "Leave it out of the body, or send the same."},
	{"booking-not-cancellable", 409, "The booking cannot be cancelled in its state", "Ask for its status: one that is being paid or is confirmed stays."},
	{"booking-not-found", 404, "There is no such booking", "Bookings are shown to the visitor who made them."},
	{"booking-not-payable", 409, "The booking cannot be paid in its state", "Ask for its status."},
	{"cross-site", 403, "The request comes from another site", "Send credentials as headers, or call from a page of this site."},
	{"event-not-found", 404, "There is no such event", "Search for it."},
	{"extension-not-allowed", 409, "The reservation cannot be extended", "It can be extended once, while it is reserved."},
	{"grace-over", 410, "The turn has lapsed", "Join the line again."},
	{"hold-cap-reached", 409, "The hold cannot be extended further", "Book before it runs out."},
	{"hold-cool-down", 409, "Several holds were not paid for", "Try again after the time in Retry-After. Seats that are given back do not count."},
	{"hold-limit-reached", 409, "Too many tickets for one visitor", "Release others first."},
	{"hold-not-found", 404, "There is no such hold", "Holds run out and belong to the visitor who made them."},
	{"hold-required", 409, "Not all tickets are held by this visitor", "Hold them, then book."},
	{"idempotency-key-reused", 422, "The idempotency key was used for another request", "Use a new key for a new request."},
	{"internal", 500, "Something went wrong here", "Try again; tell the operator the request id if it stays so."},
	{"invalid-cursor", 400, "The cursor is not valid here", "Start from the first page; a cursor belongs to one query."},
	{"invalid-request", 400, "The request is not valid", "The member errors says which fields, and why."},
	{"invalid-transition", 409, "The room cannot do that in its state", "Read its state first."},
	{"line-unavailable", 503, "The line cannot be changed at the moment", "Places are kept. Try again soon."},
	{"method-not-allowed", 405, "The method is not allowed here", "The Allow header lists those that are."},
	{"no-seats-together", 409, "So many seats together are not free", "The member largest_block says how many are."},
	{"not-called", 409, "The turn has not come", "Ask for the place as often as it says, and enter when called."},
	{"not-found", 404, "There is nothing here", "The API is described at /openapi.json."},
	{"overloaded", 503, "Too many requests are under way", "Try again after the time in Retry-After."},
	{"pass-expired", 401, "The pass has expired", "Join the line again."},
	{"pass-invalid", 401, "The pass is not valid", "Enter the room to get one."},
	{"pass-required", 401, "The event is behind a waiting room", "Join the room and enter when called; send the pass as a bearer token."},
	{"pass-wrong-room", 403, "The pass is for another room", "Enter the room of this event."},
	{"payment-declined", 402, "The payment was declined", "Try another means of payment before the reservation ends."},
	{"payment-details-invalid", 422, "The payment details are not valid", "Send a method and its token; never card numbers."},
	{"place-expired", 410, "The place belongs to a line that is over", "Join again."},
	{"place-invalid", 401, "The place is not valid", "Send it as it was issued, or join."},
	{"place-required", 401, "A place in line is required", "Join the room first."},
	{"place-used", 410, "The place was used already", "Join the line again."},
	{"poll-too-fast", 429, "Asked again too soon", "Wait as long as poll_after_seconds says: asking more often moves nobody."},
	{"precondition-failed", 412, "The room has changed since it was read", "Read it again, and send the new ETag as If-Match."},
	{"renewal-not-allowed", 409, "The session cannot be renewed", "Finish before it ends."},
	{"request-in-progress", 409, "The first request with this idempotency key is still running", "Try again after the time in Retry-After."},
	{"room-closed", 403, "The room takes nobody now", "Its state and opening time are at /api/v1/rooms/{room}."},
	{"room-full", 409, "The room is full; the turn is kept", "Enter again after the time in Retry-After."},
	{"room-not-found", 404, "There is no such room", "Event views name the room in front of them."},
	{"room-rules-invalid", 422, "The rules do not make a room", "The member errors says which, and what is wanted."},
	{"search-unavailable", 503, "Search is not available at the moment", "Try again after the time in Retry-After."},
	{"store-unavailable", 503, "A store that this call needs is away", "Nothing is lost. Try again after the time in Retry-After."},
	{"stranded-seat", 409, "A seat would be left alone", "Hold the seats of the member ticketIds as well, in the same call, or those of the member alternatives instead."},
	{"ticket-not-found", 404, "There is no such ticket", "The event's view lists its tickets."},
	{"ticket-unavailable", 409, "Tickets are not available", "The member alternatives lists some that are."},
	{"tickets-span-events", 422, "The tickets belong to different events", "Book one event at a time."},
	{"too-many-requests", 429, "Too many requests from this address", "Try again after the time in Retry-After."},
	{"unauthorized", 401, "The admin token is missing or wrong", "Send it as a bearer token."},
	{"unsupported-media-type", 415, "The body has the wrong media type", "Send application/json to the API; pages take forms."},
	{"visitor-required", 401, "A visitor is required", "POST /api/v1/visitors first and send what it returns."},
	{"webhook-limit-reached", 409, "There are as many as there may be", "Delete a webhook that nobody needs, or wait until test messages are delivered."},
	{"webhook-message-not-found", 404, "No such message is set aside", "GET /admin/v1/webhooks/{webhook}/set-aside lists those that are. It was dropped, tried again, or is older than four weeks."},
	{"webhook-not-found", 404, "There is no such webhook", "GET /admin/v1/webhooks lists them."},
}

// Kinds returns all kinds.
func Kinds() []Kind { return slices.Clone(kinds) }

// Find returns the kind of a slug.
func Find(slug string) (Kind, bool) {
	i, ok := slices.BinarySearchFunc(kinds, slug, func(k Kind, slug string) int { return strings.Compare(k.Slug, slug) })
	if !ok {
		return Kind{}, false
	}
	return kinds[i], true
}

// Problem is one occurrence: an error that is an answer.
type Problem struct {
	Kind
	Detail     string
	RetryAfter int // seconds; 0: the kind's default
	Errors     []Field
	Members    map[string]any // of this kind of problem
	Headers    map[string]string
}

// Field names what is wrong with one field of a request.
type Field struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Slug + ": " + p.Detail }

// New returns a problem of a registered kind. An unregistered slug is a fault of ours and becomes "internal".
func New(slug, detail string) *Problem {
	k, ok := Find(slug)
	if !ok {
		k, _ = Find("internal")
	}
	return &Problem{Kind: k, Detail: detail}
}

// With adds a member.
func (p *Problem) With(name string, value any) *Problem {
	if p.Members == nil {
		p.Members = map[string]any{}
	}
	p.Members[name] = value
	return p
}

// Invalid is an invalid request that names the fields.
func Invalid(fields ...Field) *Problem {
	p := New("invalid-request", "")
	p.Errors = fields
	for i, f := range fields {
		if i > 0 {
			p.Detail += "; "
		}
		p.Detail += f.Field + ": " + f.Message
	}
	return p
}
