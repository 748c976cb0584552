package apptest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"usher/internal/browser"
)

// aStadium is a catalog of one match in the largest house that the real data has.
func aStadium() string {
	return fmt.Sprintf(`{"type": "venue", "id": "bowl", "name": "The Bowl", "city": "Dallas", "country": "US", "time_zone": "America/Chicago", "capacity": 94000}
{"type": "performer", "id": "home", "name": "The match Band"}
{"type": "event", "id": "match", "name": "The Match", "venue": "bowl", "performers": ["home"], "start_time": "%sT19:00:00", "currency": "USD", "prices": {"A": 35000, "B": 22000, "C": 14000, "D": 8500}}
`, time.Now().AddDate(0, 1, 0).UTC().Format(time.DateOnly))
}

// house is an event's layout with the state of its seats, as the API tells both.
type house struct {
	Sections []struct {
		Name  string
		First int
		Rows  []struct {
			Name  string
			Seats int
		}
	}
	seats string
}

func (f *Fan) house(event string) (h house) {
	f.t.Helper()
	if err := json.Unmarshal(must(f.t, f.Do("GET", "/api/v1/events/"+event+"/layout", nil), 200).Raw, &h); err != nil {
		f.t.Fatal(err)
	}
	h.seats = must(f.t, f.Do("GET", "/api/v1/events/"+event+"/seats", nil), 200).Str("seats")
	return h
}

// free is how many seats of each section are free.
func (h house) free() map[string]int {
	out := map[string]int{}
	for _, s := range h.Sections {
		size := 0
		for _, r := range s.Rows {
			size += r.Seats
		}
		out[s.Name] = strings.Count(h.seats[s.First:s.First+size], "0")
	}
	return out
}

// section is where one begins.
func (h house) section(name string) (first, size int) {
	for _, s := range h.Sections {
		if s.Name == name {
			for _, r := range s.Rows {
				size += r.Seats
			}
			return s.First, size
		}
	}
	return 0, 0
}

const (
	drawn  = `Object.fromEntries([...document.querySelectorAll("#map .block")].map((g) => [g.querySelector(".name").textContent, Number(g.querySelector(".count").textContent || 0)]))`
	listed = `Object.fromEntries([...document.querySelectorAll("#list .sections a")].map((a) => [a.querySelector("strong").textContent, parseInt(a.lastChild.textContent.replace(/\D/g, "") || 0)]))`
)

// TestInABrowserAStadiumBySections: 94,000 seats come as sections, one of which is opened on the map; a seat of it is held, lies in the basket, and is
// given back. What others do is counted at once, and no other section's count moves.
func TestInABrowserAStadiumBySections(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: aStadium()})
	match := s.eventNamed("match")
	for name, d := range map[string]browser.Device{"phone": browser.Phone, "desktop": browser.Desktop} {
		t.Run(name, func(t *testing.T) {
			b, other := browser.New(t, s.Public[0], d), NewFan(t, client, s.Public[0])
			all := other.house(match)
			want := all.free()
			count := func(what string) {
				t.Helper()
				for where, script := range map[string]string{"map": drawn, "list": listed} {
					var got map[string]int
					within(t, 20*time.Second, what+": the counts of the "+where, func() bool {
						got = browser.Evaluate[map[string]int](b, script)
						return maps.Equal(got, want)
					})
				}
			}
			b.Open("/events/" + match + "/seats")
			count("at first")
			look(b, "stadium")

			first, _ := all.section("331") // somebody else
			ticket := fmt.Sprintf("%s-%d", match, first+7)
			must(t, other.Hold(match, ticket), 201)
			want["331"]--
			count("held by another")

			first, size := all.section("205")
			b.ClickDrawing(`[...document.querySelectorAll("#map .block")].find((g) => g.querySelector(".name").textContent === "205").firstChild`)
			within(t, 20*time.Second, "the section's seats are drawn", func() bool {
				return browser.Evaluate[int](b, `document.querySelectorAll("#map .place").length`) == size
			})
			b.SeePath("/events/" + match + "/seats?section=205")
			look(b, "stadium-section")

			const seat = `document.querySelectorAll("#map .place")[4]`
			if d.Touch { // too small to be hit for sure: the first tap comes closer
				b.ClickDrawing(seat)
				within(t, 20*time.Second, "the map is closer", func() bool {
					return browser.Evaluate[bool](b, `document.getElementById("map").classList.contains("zoomed")`)
				})
			}
			b.ClickDrawing(seat)
			b.See("205, row A, seat 5")
			within(t, 20*time.Second, "the basket's price", func() bool {
				return browser.Evaluate[string](b, `document.getElementById("total").textContent`) == "$350.00"
			})
			look(b, "stadium-basket")
			within(t, 20*time.Second, "the API says that the seat is held", func() bool { return other.house(match).seats[first+4] == '1' })
			if state := browser.Evaluate[string](b, seat+`.getAttribute("class")`); !strings.Contains(state, "mine") {
				t.Errorf("the seat is drawn as %q", state)
			}
			want["205"]--
			b.Click("button", "All sections")
			count("with one in the basket")

			b.Click("button", "Give back…")
			b.See("Section 205, row A, seat 5 was given back.")
			b.See("Nothing yet.")
			want["205"]++
			count("given back")
			within(t, 20*time.Second, "the API says that the seat is free", func() bool { return other.house(match).seats[first+4] == '0' })
			must(t, other.Do("DELETE", "/api/v1/events/"+match+"/ticket/"+ticket+"/hold", nil), 204)
		})
	}
}
