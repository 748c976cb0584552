package apptest

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// operator is somebody with the admin token, at one gateway's admin port.
func (s *System) operator(gateway int) *Fan {
	return &Fan{t: s.t, client: client, Base: s.Admin[gateway], Pass: adminToken}
}

// figureOf returns a metric of a gateway by name and labels, or -1.
func (s *System) figureOf(gateway int, name string) float64 {
	s.t.Helper()
	a := must(s.t, s.operator(gateway).Do("GET", "/metrics", nil), 200)
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(a.Raw)
	if m == nil {
		return -1
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		s.t.Errorf("%s is %q", name, m[1])
	}
	return n
}

// rotation is a crowd that polls and holds at both gateways while keys change.
type rotation struct {
	s       *System
	concert string
	tickets []string
	asked   atomic.Int64
	old     []*Fan // whose places and passes are of before
}

// comes returns a fan with a place and a pass.
func (r *rotation) comes(n int) *Fan {
	f := NewFan(r.s.t, client, r.s.Public[n%2])
	if a := f.Join("room"); a.Status != http.StatusCreated && a.Status != http.StatusOK || !f.Enter("room", 20*time.Second) {
		r.s.t.Errorf("fan %d does not get in: %s", n, a)
	}
	return f
}

// ask lets a fan ask what his tokens are needed for, at a gateway.
func (r *rotation) ask(f *Fan, seat, gateway int) {
	at := f.at(r.s.Public[gateway])
	for what, a := range map[string]Answer{
		"polls":        at.Do("GET", "/api/v1/rooms/room/place", nil),
		"holds":        at.Hold(r.concert, r.tickets[seat]),
		"asks to pass": at.Do("GET", "/api/v1/rooms/room/check", nil),
		"is a visitor": at.Do("POST", "/api/v1/visitors", nil),
	} {
		r.asked.Add(1)
		if a.Status >= 400 && a.Status != http.StatusTooManyRequests || a.Status == 0 || what == "is a visitor" && a.Status != http.StatusOK {
			r.s.t.Errorf("a fan %s: %s", what, a)
		}
	}
}

// Keys change under load on two running gateways, and nobody is refused until the old keys are retired.
func TestKeysChangeUnderLoadAndNobodyIsRefused(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: threeEvents(60), Rooms: walkRooms})
	r := &rotation{s: s, concert: s.eventNamed("concert")}
	r.tickets, _ = NewFan(t, client, s.Public[0]).Tickets(r.concert)
	for n := range 6 {
		r.old = append(r.old, r.comes(n))
	}
	var crowd sync.WaitGroup
	var over atomic.Bool
	for n, f := range r.old {
		crowd.Go(func() {
			for turn := n; !over.Load() && !t.Failed(); turn++ {
				r.ask(f, n, turn%2)
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	taken := 0.0
	step := func(step string) {
		s.must("keys", step, s.setting("USHER_SECRET_FILE"), s.setting("USHER_PASS_KEYS_FILE"))
		taken += 2
		asked := r.asked.Load()
		within(t, 20*time.Second, "both gateways take the keys, while fans ask", func() bool {
			return s.figureOf(0, "usher_keys_taken_total") == taken && s.figureOf(1, "usher_keys_taken_total") == taken && r.asked.Load() > asked+50
		})
	}
	step("announce")
	middle := r.comes(7)
	step("switch")
	fresh := r.comes(8)
	for gateway := range 2 {
		r.ask(middle, 7, gateway)
		r.ask(fresh, 8, gateway)
	}
	if a := must(t, fresh.Do("GET", "/.well-known/jwks.json", nil), 200); strings.Count(string(a.Raw), `"kid"`) != 2 {
		t.Errorf("during the overlap these keys are published: %s", a)
	}
	over.Store(true)
	crowd.Wait()
	if n := r.asked.Load(); n < 150 {
		t.Errorf("%d questions are no load", n)
	}

	step2 := r.asked.Load() // nobody asks any more
	s.must("keys", "retire", s.setting("USHER_SECRET_FILE"), s.setting("USHER_PASS_KEYS_FILE"))
	within(t, 20*time.Second, "both gateways take the keys", func() bool {
		return s.figureOf(0, "usher_keys_taken_total") == taken+2 && s.figureOf(1, "usher_keys_taken_total") == taken+2
	})
	for gateway := range 2 {
		for _, f := range []*Fan{r.old[0], middle} {
			at := f.at(s.Public[gateway])
			want(t, "a place of a retired key", at.Do("GET", "/api/v1/rooms/room/place", nil), 401, "place-invalid")
			want(t, "a pass of a retired key", at.Hold(r.concert, r.tickets[0]), 401, "pass-invalid")
		}
		r.ask(fresh, 8, gateway)
	}
	if r.asked.Load() == step2 {
		t.Error("the fresh fan has not asked")
	}
	s.CheckTruth()
}

// What an operator does at one gateway counts at the other, and is in the log; the figures of rooms say so.
func TestAnOperatorChangesARoomAtOneGateway(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: threeEvents(20), Rooms: walkRooms})
	here, there := s.operator(0), s.operator(1)
	const path = "/admin/v1/rooms/room"
	tag := must(t, here.Do("GET", path, nil), 200).Header.Get("ETag")
	must(t, here.Do("PATCH", path, map[string]any{"capacity": 7}, "If-Match", tag), 200)
	want(t, "with the old tag, at the other gateway", there.Do("PATCH", path, map[string]any{"capacity": 9}, "If-Match", tag), 412, "precondition-failed")
	within(t, 10*time.Second, "the other gateway goes by it", func() bool {
		return s.figureOf(1, `usher_room_capacity_sessions{room="room"}`) == 7
	})
	must(t, there.Do("POST", path+"/pause", nil), 200)
	within(t, 10*time.Second, "the first gateway goes by it", func() bool {
		return must(t, here.Do("GET", path, nil), 200).Str("state") == "paused" && s.figureOf(0, `usher_room_calling_bool{room="room"}`) == 0
	})
	must(t, there.Do("POST", path+"/resume", nil), 200)
	gig := s.eventNamed("matinee")
	made := must(t, here.Do("PUT", "/admin/v1/rooms/late", map[string]any{"method": "fifo", "capacity": 5, "calls_per_minute": 6000, "event_ids": []string{gig}}), 201)
	if made.Header.Get("Location") != "/admin/v1/rooms/late" {
		t.Errorf("made at %q", made.Header.Get("Location"))
	}
	within(t, 10*time.Second, "the new room guards its event at the other gateway", func() bool {
		f := NewFan(t, client, s.Public[1])
		return f.Hold(gig, "x").Problem() != "" && f.Join("late").Status == http.StatusCreated && f.Enter("late", 10*time.Second)
	})
	if n := s.figureOf(0, `usher_room_entered_total{room="late"}`); n < 0 {
		t.Error("the new room has no figures")
	}
	var log []string
	for cursor := ""; ; {
		a := must(t, there.Do("GET", "/admin/v1/audit"+cursor, nil), 200)
		entries, _ := a.Body["entries"].([]any)
		for _, one := range entries {
			e, _ := one.(map[string]any)
			log = append(log, fmt.Sprintf("%v %v", e["action"], e["room"]))
			if who, _ := e["who"].(string); e["action"] != "load" && (!strings.HasPrefix(who, "token-") || e["address"] != "127.0.0.1" || e["request_id"] == nil) {
				t.Errorf("the log does not say who: %v", e)
			}
		}
		if a.Body["next_page_cursor"] == nil {
			break
		}
		cursor = "?page_cursor=" + a.Str("next_page_cursor")
	}
	if got := strings.Join(log, ", "); got != "put late, resume room, pause room, patch room, load open-door, load room" {
		t.Errorf("the log says %s", got)
	}
}
