package gateway

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// full takes all places of an event; leave gives one back.
func full(t *testing.T, waiting *turns) (leave func()) {
	t.Helper()
	for range atOnce {
		one, ok := waiting.enter(guarded)
		if !ok {
			t.Fatal("there is no place")
		}
		leave = one
	}
	return leave
}

func TestACrowdWaitsInItsOrderAndOthersDoNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waiting := newTurns()
		leave := full(t, waiting)
		var served []int // by who has the place
		for i := range 20 {
			go func() {
				gone, ok := waiting.enter(guarded)
				if !ok {
					t.Errorf("number %d got no place", i)
					return
				}
				served = append(served, i)
				gone()
			}()
			synctest.Wait() // he stands in line
		}
		if len(served) > 0 {
			t.Errorf("%d are served where all places are taken", len(served))
		}
		if other, ok := waiting.enter(unguarded); !ok {
			t.Error("another event's visitor waits behind the crowd")
		} else {
			other()
		}
		leave()
		synctest.Wait()
		if !slices.IsSorted(served) || len(served) != 20 {
			t.Errorf("served in the order %v", served)
		}
	})
}

func TestWhoWaitsTooLongHasNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waiting := newTurns()
		leave := full(t, waiting)
		came := time.Now()
		if _, ok := waiting.enter(guarded); ok || time.Since(came) != turnPatience {
			t.Errorf("a place after %s: %t", time.Since(came), ok)
		}
		if n := waiting.count(); n != atOnce {
			t.Errorf("%v are counted, want %d", n, atOnce)
		}
		leave()
		if _, ok := waiting.enter(guarded); !ok || time.Since(came) != turnPatience {
			t.Error("the place that was given back is not there")
		}
	})
}

// What is remembered of events is as much as there are callers.
func TestEventsWithoutCallersAreForgotten(t *testing.T) {
	t.Parallel()
	waiting := newTurns()
	leave := full(t, waiting)
	for range atOnce {
		leave()
	}
	if len(waiting.of) != 0 {
		t.Errorf("%d events are remembered", len(waiting.of))
	}
}

// While a crowd waits for seats of one event, those who hold some book them, and other events have their own places.
func TestACrowdStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, visitor := e.visitor()
	guest := []string{"Authorization", "Bearer " + passOf(roomName, v)}
	e.turns.patience = time.Millisecond
	leave := full(t, e.turns)
	seat := guarded.Ticket(1).String()
	event, seats, page := api+"/events/"+guarded.String(), `{"ticketIds":["`+seat+`"]}`, "/events/"+guarded.String()+"/seats"
	form := append([]string{"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html"}, guest...)
	e.want(503, "overloaded", "POST", event+"/holds", seats, guest...)
	e.want(503, "overloaded", "POST", event+"/ticket/"+seat+"/hold", "", guest...)
	e.want(503, "", "POST", page+"/hold", "ticket="+seat, form...)
	e.want(503, "", "POST", page+"/best", "quantity=2", form...)
	e.want(201, "", "POST", api+"/booking", seats, guest...)
	e.want(201, "", "POST", api+"/events/"+unguarded.String()+"/ticket/"+unguarded.Ticket(1).String()+"/hold", "", visitor...)
	leave()
	e.want(201, "", "POST", event+"/holds", seats, guest...)
}
