package apptest

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"usher/internal/browser"
	"usher/internal/id"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) {
	code := max(browser.Main(func() int { return testenv.Main(m) }), contractHeld())
	if err := CleanUp(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// eventOf is a catalog of one event with the given number of seats, on sale, a month ahead.
func eventOf(seats int) string {
	var rows []string
	for row := 0; row*10 < seats; row++ {
		rows = append(rows, fmt.Sprintf(`{"name": "%d", "seats": %d}`, row+1, min(10, seats-row*10)))
	}
	start := time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339)
	return strings.Join([]string{
		`{"type": "venue", "id": "hall", "name": "The Hall", "city": "Toronto", "country": "CA", "time_zone": "America/Toronto"}`,
		`{"type": "layout", "id": "hall/all", "venue": "hall", "sections": [{"name": "Floor", "level": "A", "rows": [` + strings.Join(rows, ", ") + `]}]}`,
		`{"type": "performer", "id": "band", "name": "The Band"}`,
		`{"type": "event", "id": "concert", "name": "A Concert", "venue": "hall", "layout": "hall/all", "performers": ["band"], "start_time": "` + start +
			`", "currency": "CAD", "prices": {"A": 6500}, "on_sale": true}`,
	}, "\n") + "\n"
}

// roomOf is a rooms file of one quick room before that event.
func roomOf(capacity int) string {
	return fmt.Sprintf(`{"rooms": [{"room": "room", "name": "The Room", "method": "fifo", "events": ["concert"], "capacity": %d,
		"calls_per_minute": 60000, "session_seconds": 60, "grace_seconds": 60, "poll_floor_seconds": 0.05}]}`, capacity)
}

// rowOf is how Lost words a booking and its ticket as Postgres has them.
func rowOf(booking, ticket string) string {
	b, err1 := id.ParseBooking(booking)
	t, err2 := id.ParseTicket(ticket)
	if err1 != nil || err2 != nil {
		return "malformed " + booking + " " + ticket
	}
	return fmt.Sprintf("%s %d", hex.EncodeToString(b.Key[:]), int64(t))
}
