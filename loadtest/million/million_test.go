package million

import (
	"net/http"
	"testing"
	"time"
)

const (
	connections = 64
	atOnce      = 1000 // joins of one visitor
)

// redisIdle is what a gateway that nobody asks calls in Redis.
type redisIdle struct{ perSecond float64 }

func (s *system) idle(t testing.TB, lasts time.Duration) redisIdle {
	t.Helper()
	before, began := s.info(t), time.Now()
	time.Sleep(lasts) // it is the measurement
	total, _ := s.info(t).since(before)
	return redisIdle{float64(total) / time.Since(began).Seconds()}
}

// beyond is how many of the commands that Redis was called with in a time the gateway would not have called if nobody had asked.
func (r redisIdle) beyond(total int, took time.Duration) float64 {
	return float64(total) - r.perSecond*took.Seconds()
}

// A few thousand visitors, whose joining and asking is held to what must be true of a million.
func TestALineIsInOrderAndAskingCostsNoStore(t *testing.T) {
	t.Parallel()
	const n = 5000
	const pollCap = 2 * time.Second
	s := start(t, pollCap)
	c := newCrowd(t, s.public, n, connections)
	must(t, c.each(c.wires, 0, n, c.meet))
	idle := s.idle(t, time.Second)

	before, began := s.info(t), time.Now()
	must(t, c.each(c.wires, 0, n, c.join))
	total, by := s.info(t).since(before)
	if by["zadd"] < n || idle.beyond(total, time.Since(began)) < n { // the control of what is counted below
		t.Errorf("%d joins were %d commands of Redis, %d of them ZADD: what Redis does is not seen", n, total, by["zadd"])
	}
	checkOrder(t, c.visits)
	m := s.metrics(t)
	if trips, joins := m.number("usher_line_join_trips_total"), m.number("usher_line_joins_total"); joins != n || trips < 1 || trips > n {
		t.Errorf("%d joins are counted as %g in %g round trips", n, joins, trips)
	}
	must(t, c.each(c.wires, 0, 500, c.again))
	eager, err := stranger(c.wires[0])
	must(t, err)
	numbers, first := c.storm(t, eager, atOnce)
	if len(numbers) != 1 || first != 1 {
		t.Errorf("one visitor who joined %d times at once was told %d times that his number is new: %v", atOnce, first, numbers)
	}

	for range 4 {
		c.patient(0, n, pollCap/4)
		before, began := s.info(t), time.Now()
		must(t, c.each(c.wires, 0, n, c.answered))
		checkNoStore(t, s, idle, before, began, n)
	}
	c.patient(0, 1, pollCap/4)
	before, began = s.info(t), time.Now()
	statuses, err := c.hurry(0, n)
	must(t, err)
	intervals := int(time.Since(began)/(pollCap/4)) + 1
	if good := statuses[http.StatusOK]; good < 1 || good > intervals || good+statuses[http.StatusTooManyRequests] != n {
		t.Errorf("one visitor asked %d times within %d of the least intervals and was answered %v", n, intervals, statuses)
	}
	checkNoStore(t, s, idle, before, began, n)
	p, err := c.pace(2 * pollCap)
	must(t, err)
	if p.polls < n || p.tooFast > 0 {
		t.Errorf("%d visitors who asked when they were told to asked %d times, and %d times too often", n, p.polls, p.tooFast)
	}
}

// checkOrder holds numbers to the order of arrival.
func checkOrder(t testing.TB, visits []visit) {
	t.Helper()
	must(t, missing(visits))
	if n := overtaken(visits); n > 0 {
		t.Errorf("%d visitors have higher numbers than somebody who came after them", n)
	}
	if n := falls(visits, connections); n > 0 {
		t.Errorf("%d times a number on one connection is lower than the one before", n)
	}
}

// checkNoStore holds asks since before to having cost Redis nothing: half a command for each would be seen.
func checkNoStore(t testing.TB, s *system, idle redisIdle, before redisInfo, began time.Time, asks int) {
	t.Helper()
	total, by := s.info(t).since(before)
	if more := idle.beyond(total, time.Since(began)); more > float64(asks)/2 {
		t.Errorf("while places were asked for %d times, Redis was called with %d commands, %.0f of them not by the gateway itself: %v", asks, total, more, by)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
