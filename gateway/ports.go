package gateway

import (
	"context"
	"io"
	"time"

	"usher/booking"
	"usher/booking/webhook"
	"usher/catalog"
	"usher/images"
	"usher/internal/id"
	"usher/search"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// Waitroom is what the edge needs of the line. *waitroom.Keeper is the one implementation; the interface lets the
// edge's own tests stand without stores.
type Waitroom interface {
	NewVisitor() (v id.Visitor, sealed string)
	SealPlace(p waitroom.Place) string
	Visitor(sealed string) (id.Visitor, error)   // waitroom.ErrVisitorInvalid
	Place(sealed string) (waitroom.Place, error) // waitroom.ErrPlaceInvalid
	Room(room string) (waitroom.Room, error)     // from memory; waitroom.ErrRoomNotFound
	RoomOf(event id.Event) (waitroom.Room, bool) // from memory
	Join(ctx context.Context, room string, v id.Visitor, shown *waitroom.Place) (line waitroom.Line, first bool, err error)
	Poll(place waitroom.Place, shown int64) (waitroom.Line, error) // no store
	Enter(ctx context.Context, place waitroom.Place) (waitroom.Line, error)
	Renew(ctx context.Context, p pass.Claims) (token string, expires time.Time, err error)
	// Extend lets a session that has booked last until the given time and returns its new pass.
	Extend(ctx context.Context, p pass.Claims, until time.Time) (token string, expires time.Time, err error)
	Leave(ctx context.Context, place waitroom.Place) error
	LeaveSession(ctx context.Context, p pass.Claims) error
	CheckActive(ctx context.Context, p pass.Claims) error // waitroom.ErrSessionOver
	Verify(token, room string) (pass.Claims, error)       // pass.ErrInvalid, ErrExpired, ErrWrongRoom
	JWKS() []byte
	Ready() error
}

// Desk is what the edge needs of the booking core. Errors are the values of package booking.
type Desk interface {
	Hold(ctx context.Context, o booking.Owner, event id.Event, tickets []id.Ticket) (h booking.Holds, fresh bool, err error)
	HoldBest(ctx context.Context, o booking.Owner, event id.Event, want booking.BestAvailable, key string) (booking.Holds, error)
	Holds(ctx context.Context, o booking.Owner, event id.Event) (booking.Holds, error)
	Release(ctx context.Context, o booking.Owner, event id.Event, tickets []id.Ticket) error // no tickets: all
	ExtendHolds(ctx context.Context, o booking.Owner, event id.Event) (time.Time, error)
	// Book waits at most two seconds for the worker; a booking that is still Pending then goes on by itself.
	// key is the request's Idempotency-Key, or empty.
	Book(ctx context.Context, o booking.Owner, tickets []id.Ticket, key string) (booking.Booking, error)
	Confirm(ctx context.Context, owner id.Visitor, b id.Booking, p booking.Payment, key string) (booking.Booking, error)
	Cancel(ctx context.Context, owner id.Visitor, b id.Booking, key string) (booking.Booking, error)
	Extend(ctx context.Context, owner id.Visitor, b id.Booking, key string) (booking.Booking, error)
	Booking(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error)
	// Purchase is Booking with who buys, and why the latest payment came to nothing.
	Purchase(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error)
	SetBuyer(ctx context.Context, owner id.Visitor, b id.Booking, buyer booking.Buyer) error
	Ready() error
}

// Idempotency remembers answers by key. See booking/desk for the implementation.
type Idempotency interface {
	// Begin claims the key, or returns the stored answer of an earlier request with the same hash. It waits up to
	// two seconds for a parallel first request. Errors: booking.ErrIdempotencyKeyReused, ErrIdempotencyKeyInFlight.
	Begin(ctx context.Context, scope, request [32]byte) (stored *booking.StoredAnswer, err error)
	// Finish stores the answer; a nil answer gives the key back.
	Finish(ctx context.Context, scope [32]byte, a *booking.StoredAnswer) error
}

// Catalog is what the edge needs of the event views. Errors: booking.ErrEventNotFound, catalog.ErrBadCursor.
type Catalog interface {
	Event(ctx context.Context, event id.Event, ticketsCursor string) (*catalog.View, error)
	Seats(ctx context.Context, event id.Event) (*catalog.View, error)
	Layout(ctx context.Context, event id.Event) (*catalog.View, error)
	Feed(ctx context.Context, event id.Event) (*catalog.Feed, error)
	Show(ctx context.Context, event id.Event) (*catalog.Show, error)
}

// Sitemap is what the edge needs to list events for search engines. *pgcatalog.Store is the one implementation.
type Sitemap interface {
	// Months are the storage months from one on that have events, in order.
	Months(ctx context.Context, from int) ([]catalog.Month, error)
	// Listed are the events with ids from one up to before another that are not over since a time, in the order of their ids.
	Listed(ctx context.Context, from, before id.Event, since time.Time) ([]catalog.Listed, error)
}

// Searcher is what the edge needs of search. Errors: search.ErrBadCursor, ErrBadQuery.
type Searcher interface {
	Search(ctx context.Context, q search.Query) (search.Page, error)
	Suggest(ctx context.Context, text string, limit int) (search.Suggestions, error)
}

// Images is what the edge needs of the store of pictures. Errors: images.ErrNotFound.
type Images interface {
	Open(ctx context.Context, n images.Name) (*images.Object, error)
}

// Admin is what operators see of rooms.
type Admin interface {
	Rooms() []waitroom.Room
	Stats(room string) (waitroom.Stats, error) // waitroom.ErrRoomNotFound
	WriteMetrics(w io.Writer) error            // of rooms, as Prometheus reads them
}

// Office is where operators change rooms. *waitroom.Office is the one implementation.
type Office interface {
	Order(ctx context.Context, by waitroom.By, room, order string) (waitroom.Room, error) // waitroom.ErrRoomNotFound, ErrInvalidTransition
	// waitroom.ErrStale, RulesError
	Put(ctx context.Context, by waitroom.By, room string, m waitroom.Match, edit func(*waitroom.Room) error) (r waitroom.Room, made bool, err error)
	// waitroom.ErrRoomNotFound, ErrStale, RulesError
	Patch(ctx context.Context, by waitroom.By, room string, m waitroom.Match, edit func(*waitroom.Room) error) (waitroom.Room, error)
	Audit(ctx context.Context, cursor string) (page []waitroom.Entry, next string, err error) // waitroom.ErrBadCursor
}

// Receivers is where operators say which organisers are told of sales. *webhook.Office is the one implementation. All but List and Create: webhook.ErrNotFound.
type Receivers interface {
	List(ctx context.Context) ([]webhook.Webhook, error)
	Create(ctx context.Context, wish webhook.Wish) (webhook.Webhook, error) // *webhook.WishError, webhook.ErrTooMany
	Get(ctx context.Context, of id.Key) (webhook.Webhook, error)
	Delete(ctx context.Context, of id.Key) error
	Rotate(ctx context.Context, of id.Key) (webhook.Webhook, error)
	Replay(ctx context.Context, of id.Key, after int64, since time.Time) (webhook.Webhook, error)
	Test(ctx context.Context, of id.Key) (webhook.Webhook, error)                                          // webhook.ErrTooMany
	SetAside(ctx context.Context, of id.Key, cursor string) (page []webhook.Aside, next string, err error) // webhook.ErrBadCursor
	TryAgain(ctx context.Context, of id.Key, message string) error                                         // webhook.ErrNoMessage
	DropAside(ctx context.Context, of id.Key, message string) error                                        // webhook.ErrNoMessage
}

// Sandbox is the payer's side of the sandbox provider.
type Sandbox interface {
	// Answer approves or refuses an attempt that waits for its payer; found is false when none does.
	Answer(ctx context.Context, attempt id.Key, approve bool) (found bool, err error)
}

// Webhook hears what the payment provider tells.
type Webhook interface {
	// Hear takes one message with its signature. genuine is false when the provider has not signed it; an error asks him to tell it again.
	Hear(ctx context.Context, body []byte, signature string) (genuine bool, err error)
}
