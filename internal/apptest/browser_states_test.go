package apptest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"usher/internal/browser"
)

// The states in which a fan meets a page that cannot give him what he came for: each is brought about for real, says so in the fan's words,
// and is as well made as the page that can.

const stateRooms = `{"rooms": [{"room": "room", "name": "The Room", "method": "fifo", "events": ["concert"], "capacity": 1, "calls_per_minute": 60000,
	"session_seconds": 600, "grace_seconds": 600, "poll_floor_seconds": 1,
	"message": "Gates open at 18:30.\nBring a photo ID that matches the name on your order."}]}`

// look checks a page and takes its picture.
func look(b *browser.Tab, name string) {
	b.Check()
	b.Screen(name)
}

// order gives an operator's order for the room.
func (s *System) order(order string) {
	s.t.Helper()
	must(s.t, send(s.t, client, s.Admin[0], bad{method: "POST", path: "/admin/v1/rooms/room/" + order, headers: bearer(adminToken)}), 200)
}

// TestInABrowserTheLineStandsStill: whoever waits is told that the organiser has paused the line, that it is frozen, that all is sold, that it is over;
// and that it goes on, without doing anything.
func TestInABrowserTheLineStandsStill(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(6), Rooms: stateRooms})
	inside := NewFan(t, client, s.Public[0])
	must(t, inside.Join("room"), 201)
	if !inside.Enter("room", 15*time.Second) {
		t.Fatal("the first fan is not let in")
	}
	waiting, plain := browser.New(t, s.Public[0], browser.Phone), browser.New(t, s.Public[0], browser.Phone.NoScript())
	see := func(text string) {
		t.Helper()
		waiting.See(text)
		plain.See(text)
	}
	for _, b := range []*browser.Tab{waiting, plain} {
		b.Forgive("429") // opened and refreshed within the same second
		b.Forgive("410") // how the script hears that the line is over
		b.Open("/rooms/room")
		b.See("Bring a photo ID")
		b.Click("button", "Join the line")
	}
	see("Your place in line")
	see("Bring a photo ID")
	look(waiting, "room-message")

	s.order("pause")
	see("The organiser has paused the line.")
	see("not known while the line is paused")
	look(waiting, "room-paused")
	s.order("resume")
	waiting.NotSee("paused the line")
	plain.NotSee("paused the line")

	s.redis(func(ctx context.Context, rdb *redis.Client) error {
		return rdb.Do(ctx, "CLIENT", "PAUSE", 60000, "WRITE").Err()
	})
	see("The line stands still for technical reasons. Your place is kept.")
	see("not known at the moment")
	look(waiting, "room-frozen")
	s.redis(func(ctx context.Context, rdb *redis.Client) error { return rdb.Do(ctx, "CLIENT", "UNPAUSE").Err() })
	waiting.NotSee("stands still")
	plain.NotSee("stands still")

	buyAll(t, inside, s.eventNamed("concert"))
	see("Sold out at the moment.")
	see("not known at the moment")
	look(waiting, "room-sold-out")

	s.order("end")
	see("Your place belongs to a line that is over.")
	see("This line is over. Nobody can join it.")
	see("What is on")
	look(waiting, "room-ended")
}

// buyAll buys every seat of an event.
func buyAll(t *testing.T, f *Fan, event string) {
	t.Helper()
	tickets, _ := f.Tickets(event)
	for _, ticket := range tickets {
		must(t, f.Hold(event, ticket), 201)
	}
	must(t, f.Confirm(must(t, f.Book("all", tickets...), 201).Str("booking_id"), "tok_ok"), 200)
	within(t, 20*time.Second, "the view shows that nothing is left", func() bool { // which it may do a second late
		left, _ := must(t, f.Do("GET", "/api/v1/events/"+event, nil), 200).Body["availability"].(map[string]any)
		return left["free"] == 0.0
	})
}

// redis talks to the system's Redis.
func (s *System) redis(do func(context.Context, *redis.Client) error) {
	s.t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: s.Redis})
	defer func() { _ = rdb.Close() }()
	if err := do(context.Background(), rdb); err != nil {
		s.t.Fatal(err)
	}
}

// TestInABrowserTheSearchFindsNothing: nothing fits, something typed makes no sense, a cursor of another search, an address that is none.
func TestInABrowserTheSearchFindsNothing(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(40)})
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		b.Open("/?q=xylophone+quartet&location=Toronto")
		b.See("Nothing fits all of that")
		look(b, "search-empty")
		b.Click("link", "Without: “xylophone quartet”")
		b.See("3 events")

		b.Forgive("400")
		b.Open("/?q=gig&start_date=2026-13-45&budget_min=cheap")
		b.See("Something in the form cannot be understood.")
		look(b, "search-faulty")
		b.Open("/?page_cursor=abc")
		b.See("This page of the list is no longer valid")
		look(b, "search-cursor")

		b.Forgive("404")
		b.Open("/nowhere")
		b.See("There is nothing here")
		look(b, "problem-404")
	})
}

// TestInABrowserTheDatabaseIsAway: search and pages say so, with the status of it and a way to try again, and work again by themselves.
func TestInABrowserTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(40)})
	gig := s.eventNamed("gig")
	s.databaseAway(true)
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		b.Forgive("503")
		b.Open("/?q=gig")
		b.See("The search is away for a moment")
		look(b, "search-away")
		b.Open("/events/" + gig)
		b.See("This does not work at the moment")
		look(b, "problem-503")
	})
	s.databaseAway(false)
	b := browser.New(t, s.Public[0], browser.Phone)
	b.Open("/?q=gig")
	b.See("1 event")
	b.Click("link", "gig")
	b.See("Choose seats")
}

// databaseAway ends every connection to the system's database and lets nobody in, or lets them in again.
func (s *System) databaseAway(away bool) {
	s.t.Helper()
	config, err := pgx.ParseConfig(s.Postgres)
	if err != nil {
		s.t.Fatal(err)
	}
	name := config.Database
	config.Database = "postgres"
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	if _, err := db.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %t", pgx.Identifier{name}.Sanitize(), !away)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := db.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name); err != nil {
		s.t.Fatal(err)
	}
}

// eventAt is one more event of threeEvents' hall, without tickets.
func eventAt(name string, start time.Time) string {
	return fmt.Sprintf(`{"type": "performer", "id": "band-%[1]s", "name": "The %[1]s Band"}
{"type": "event", "id": "%[1]s", "name": "%[1]s", "venue": "hall", "layout": "hall/all", "performers": ["band-%[1]s"], "start_time": "%[2]sT20:00:00", "currency": "CAD", "prices": {"A": 6500, "B": 9900}}
`, name, start.UTC().Format(time.DateOnly))
}

// TestInABrowserAnEventCannotBeBought: it is sold out, not yet on sale, or over; its page and that of its seats say which.
func TestInABrowserAnEventCannotBeBought(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(6) + eventAt("past", time.Now().AddDate(0, 0, -3))})
	s.must("import", write(t, t.TempDir(), "later.jsonl", eventAt("later", time.Now().AddDate(0, 3, 0))))
	gig, later := s.eventNamed("gig"), s.eventNamed("later")
	past := must(t, NewFan(t, client, s.Public[0]).Do("GET", "/api/v1/events/search?start_date=2001-01-01&performer=The+past+Band", nil), 200)
	buyAll(t, NewFan(t, client, s.Public[0]), gig)
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		f := func(name, event, onPage, onSeats string) {
			t.Helper()
			b.Open("/events/" + event)
			b.See(onPage)
			look(b, "event-"+name)
			b.Open("/events/" + event + "/seats")
			b.See(onSeats)
			look(b, "seats-"+name)
		}
		f("sold-out", gig, "Sold out at the moment", "All seats are sold")
		f("early", later, "Not on sale yet", "The sale has not begun")
		f("over", past.Body["events"].([]any)[0].(map[string]any)["id"].(string), "This event is over", "This event is over")
	})
}
