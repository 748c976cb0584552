package apptest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// threeEvents is a catalog of three events of one hall: a concert, a gig and a matinee, of the given number of seats each. Its section
// Boxes has single seats only.
func threeEvents(seats int) string {
	var rows []string
	for row := 0; row*10 < seats-2; row++ {
		rows = append(rows, fmt.Sprintf(`{"name": "%d", "seats": %d}`, row+1, min(10, seats-2-row*10)))
	}
	lines := []string{
		`{"type": "venue", "id": "hall", "name": "The Hall", "city": "Toronto", "country": "CA", "time_zone": "America/Toronto", "latitude": 43.64, "longitude": -79.38}`,
		`{"type": "layout", "id": "hall/all", "venue": "hall", "sections": [{"name": "Floor", "level": "A", "rows": [` + strings.Join(rows, ", ") +
			`]}, {"name": "Boxes", "level": "B", "rows": [{"name": "1", "seats": 1}, {"name": "2", "seats": 1}]}]}`,
	}
	for i, name := range []string{"concert", "gig", "matinee"} {
		start := time.Now().AddDate(0, 1, i).UTC().Format(time.DateOnly) + "T20:00:00" // at the venue
		lines = append(lines, fmt.Sprintf(`{"type": "performer", "id": "band-%s", "name": "The %s Band"}`, name, name),
			fmt.Sprintf(`{"type": "event", "id": "%[1]s", "name": "%[1]s", "venue": "hall", "layout": "hall/all", "performers": ["band-%[1]s"], "start_time": "%[2]s", `+
				`"currency": "CAD", "prices": {"A": 6500, "B": 9900}, "on_sale": true}`, name, start))
	}
	return strings.Join(lines, "\n") + "\n"
}

// eventNamed returns the id of an event, found as fans find it.
func (s *System) eventNamed(name string) string {
	s.t.Helper()
	fan := &Fan{t: s.t, client: client, Base: s.Public[0]}
	a := fan.Do("GET", "/api/v1/events/search?include=tickets&performer=band-"+name, nil)
	list, _ := a.Body["events"].([]any)
	if len(list) == 0 { // the id of a performer may be another than the one in the file
		a = fan.Do("GET", "/api/v1/events/search?performer=The+"+name+"+Band", nil)
		list, _ = a.Body["events"].([]any)
	}
	if len(list) != 1 {
		s.t.Fatalf("search for %s: %s", name, a)
	}
	e, _ := list[0].(map[string]any)
	found, _ := e["id"].(string)
	return found
}

// must ends the test unless an answer has the status.
func must(t *testing.T, a Answer, status int) Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("want %d, got %s", status, a)
	}
	return a
}

// want reports an answer that has another status or problem.
func want(t *testing.T, what string, a Answer, status int, slug string) Answer {
	t.Helper()
	if a.Status != status || a.Problem() != slug {
		t.Errorf("%s: want %d %s, got %s", what, status, slug, a)
	}
	return a
}

// within asks again until ok says yes. A machine that has time needs no more than the limit, and it is told when it was passed; a busy one gets a minute.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > max(limit, time.Minute) {
			t.Errorf("not within %s: %s", max(limit, time.Minute), what)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	if took := time.Since(start); took > limit {
		t.Logf("only after %s instead of %s: %s", took.Round(time.Millisecond), limit, what)
	}
}

// seat returns a ticket as an event's view shows it.
func (f *Fan) seat(event, ticket string) map[string]any {
	a := f.Do("GET", "/api/v1/events/"+event, nil)
	list, _ := a.Body["tickets"].([]any)
	for _, item := range list {
		if t, _ := item.(map[string]any); t["id"] == ticket {
			return t
		}
	}
	return nil
}

// at returns the same fan at another gateway.
func (f *Fan) at(base string) *Fan {
	other := *f
	other.Base = base
	return &other
}
