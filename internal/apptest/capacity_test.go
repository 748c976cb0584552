package apptest

import (
	"net/http"
	"sort"
	"sync"
	"testing"
	"time"

	"usher/internal/guard"
)

const roomCapacity = 10

// stay is a session that a fan provably had: from the answer that gave him the pass to the request that gave it back.
type stay struct{ from, to time.Time }

// crowdThrough sends fans through the room, spread over the gateways, and returns every fan's stay.
func crowdThrough(t *testing.T, s *System, fans int) (stays []stay) {
	t.Helper()
	var mu sync.Mutex // guards stays
	var wg sync.WaitGroup
	for i := range fans {
		wg.Go(func() {
			f := NewFan(t, client, s.Public[i%len(s.Public)])
			if a := f.Join("room"); a.Status != http.StatusCreated {
				t.Errorf("join: %s", a)
				return
			}
			if !f.Enter("room", 3*time.Minute) {
				t.Error("not let in within three minutes")
				return
			}
			from := time.Now()
			time.Sleep(time.Duration(100+i%5*50) * time.Millisecond) // the visit
			to := time.Now()
			f.Do("POST", "/api/v1/rooms/room/leave", nil)
			mu.Lock()
			defer mu.Unlock()
			stays = append(stays, stay{from, to})
		})
	}
	wg.Wait()
	return stays
}

// most returns the largest number of stays that overlap.
func most(stays []stay) (peak int) {
	type edge struct {
		at   time.Time
		step int
	}
	var edges []edge
	for _, s := range stays {
		edges = append(edges, edge{s.from, 1}, edge{s.to, -1})
	}
	sort.Slice(edges, func(i, j int) bool { return edges[i].at.Before(edges[j].at) })
	now := 0
	for _, e := range edges {
		now += e.step
		peak = max(peak, now)
	}
	return peak
}

func TestTwoGatewaysNeverExceedTheCapacity(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: eventOf(50), Rooms: roomOf(roomCapacity)})
	stays := crowdThrough(t, s, 80)
	if peak := most(stays); peak > roomCapacity {
		t.Errorf("%d sessions at once, capacity %d", peak, roomCapacity)
	}
	if len(stays) != 80 {
		t.Errorf("%d of 80 fans were let in", len(stays))
	}
}

func TestControlWithoutTheCapacityCheckTheRoomOverflows(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: eventOf(50), Rooms: roomOf(roomCapacity), Off: []guard.Guard{guard.RoomCapacity}})
	if peak := most(crowdThrough(t, s, 80)); peak <= roomCapacity {
		t.Errorf("the capacity check is off and only %d sessions were seen at once: the proof proves nothing", peak)
	}
}
