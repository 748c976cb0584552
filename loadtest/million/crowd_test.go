package million

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	roomPath = "/api/v1/rooms/" + room

	visitorCookie = "usher_visitor="
	placeCookie   = "usher_place_" + room + "="
)

// crowd is the visitors, who share some keep-alive connections: visitor i speaks on connection i modulo their number.
type crowd struct {
	address  string
	wires    []*wire
	began    time.Time
	visitors []string // cookies
	places   []string
	visits   []visit
	shown    []int32 // the position that he was told last
	due      []int64 // when he should ask again, in nanoseconds since the run began
	asked    []int64 // when he asked last
}

func newCrowd(t testing.TB, address string, n, connections int) *crowd {
	t.Helper()
	c := &crowd{
		address: address, wires: wires(t, address, connections), began: time.Now(), visitors: make([]string, n), places: make([]string, n),
		visits: make([]visit, n), shown: make([]int32, n), due: make([]int64, n), asked: make([]int64, n),
	}
	return c
}

// wires opens connections that are closed when the test ends.
func wires(t testing.TB, address string, n int) (out []*wire) {
	t.Helper()
	for i := range n {
		w, err := dial(address, i)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.close)
		out = append(out, w)
	}
	return out
}

func (c *crowd) now() int64 { return time.Since(c.began).Nanoseconds() }

// each does something for the visitors from from to below to, on all connections at once and on each of them in order.
func (c *crowd) each(wires []*wire, from, to int, do func(w *wire, i int) error) error {
	errs := make([]error, len(wires))
	var all sync.WaitGroup
	for at, w := range wires {
		all.Go(func() {
			first := from + (at-from%len(wires)+len(wires))%len(wires)
			for i := first; i < to && errs[at] == nil; i += len(wires) {
				errs[at] = do(w, i)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// expect is an error unless an answer has the wanted status.
func expect(w *wire, want, got int, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("answered %d, not %d: %s", got, want, w.body)
	}
	return err
}

// stranger is somebody's first contact. It returns his cookie.
func stranger(w *wire) (cookie string, err error) {
	status, err := w.ask("POST", "/api/v1/visitors")
	return visitorCookie + member(w.body, "visitor"), expect(w, http.StatusCreated, status, err)
}

// meet is the first contact of a visitor.
func (c *crowd) meet(w *wire, i int) (err error) {
	c.visitors[i], err = stranger(w)
	return err
}

// join gives a visitor his number.
func (c *crowd) join(w *wire, i int) error {
	sent := c.now()
	status, err := w.ask("POST", roomPath+"/join", c.visitors[i])
	got := c.now()
	if err := expect(w, http.StatusCreated, status, err); err != nil {
		return err
	}
	number, err := strconv.ParseInt(member(w.body, "number"), 10, 64)
	if err != nil {
		return fmt.Errorf("joined without a number: %s", w.body)
	}
	c.visits[i] = visit{number, sent, got}
	c.places[i] = placeCookie + member(w.body, "place")
	return c.heard(w, i)
}

// again is a join of a visitor who has a number: it stays his.
func (c *crowd) again(w *wire, i int) error {
	status, err := w.ask("POST", roomPath+"/join", c.visitors[i])
	if err := expect(w, http.StatusOK, status, err); err != nil {
		return err
	}
	if number := member(w.body, "number"); number != strconv.FormatInt(c.visits[i].number, 10) {
		return fmt.Errorf("a visitor with the number %d joined again and has %s", c.visits[i].number, number)
	}
	return nil
}

// heard keeps what an answer says about when to ask again.
func (c *crowd) heard(w *wire, i int) error {
	after, err := strconv.Atoi(member(w.body, "poll_after_seconds"))
	if err != nil {
		return fmt.Errorf("not told when to ask again: %s", w.body)
	}
	position, _ := strconv.Atoi(member(w.body, "position")) // none once called
	c.asked[i] = c.now()
	c.due[i] = c.asked[i] + int64(after)*int64(time.Second)
	c.shown[i] = int32(position)
	return nil
}

// poll asks for a place.
func (c *crowd) poll(w *wire, i int) (status int, err error) {
	target := roomPath + "/place"
	if c.shown[i] > 0 {
		target += "?shown=" + strconv.Itoa(int(c.shown[i]))
	}
	return w.ask("GET", target, c.visitors[i], c.places[i])
}

// answered asks for a place that must be shown.
func (c *crowd) answered(w *wire, i int) error {
	status, err := c.poll(w, i)
	if err := expect(w, http.StatusOK, status, err); err != nil {
		return err
	}
	return c.heard(w, i)
}

// storm lets one visitor join on n new connections at once. It returns the numbers that he was given, and how many answers said that the number is new.
func (c *crowd) storm(t testing.TB, visitor string, n int) (numbers map[string]int, first int) {
	t.Helper()
	all := wires(t, c.address, n)
	statuses, start := make([]int, n), make(chan struct{})
	var joining sync.WaitGroup
	for i, w := range all {
		joining.Go(func() {
			<-start
			statuses[i], _ = w.ask("POST", roomPath+"/join", visitor) // an error is a status of 0
		})
	}
	close(start)
	joining.Wait()
	numbers = map[string]int{}
	for i, w := range all {
		switch statuses[i] {
		case http.StatusCreated:
			first++
		case http.StatusOK:
		default:
			t.Errorf("a join of many at once was answered %d: %s", statuses[i], w.body)
		}
		numbers[member(w.body, "number")]++
		w.close()
	}
	return numbers, first
}

// patient waits until visitors from from to below to have not asked for so long.
func (c *crowd) patient(from, to int, least time.Duration) {
	time.Sleep(time.Until(c.began.Add(time.Duration(slices.Max(c.asked[from:to])) + least)))
}

// hurry lets one visitor ask n times as fast as it goes on all connections, and counts the answers by status.
func (c *crowd) hurry(visitor, n int) (statuses map[int]int, err error) {
	var mu sync.Mutex // guards statuses
	statuses = map[int]int{}
	interval := c.due[visitor] - c.asked[visitor]
	defer func() { c.asked[visitor] = c.now(); c.due[visitor] = c.asked[visitor] + interval }()
	err = c.each(c.wires, 0, n, func(w *wire, _ int) error {
		status, err := c.poll(w, visitor)
		mu.Lock()
		statuses[status]++
		mu.Unlock()
		return err
	})
	return statuses, err
}

const (
	tick  = 250 * time.Millisecond
	wheel = 512 // ticks ahead: more than the longest interval of a room
)

// paced is what came of asking as often as told.
type paced struct {
	polls, tooFast int
	late           time.Duration // the longest that a visitor asked after his time, for want of speed
	took           time.Duration
}

// pace lets every visitor ask whenever he was told to, until the time is over. Who should have asked before it begins asks within his next interval.
func (c *crowd) pace(lasts time.Duration) (paced, error) {
	parts, errs := make([]paced, len(c.wires)), make([]error, len(c.wires))
	began := c.now()
	var all sync.WaitGroup
	for at := range c.wires {
		all.Go(func() { parts[at], errs[at] = c.paceOne(at, began, began+int64(lasts)) })
	}
	all.Wait()
	out := paced{took: time.Duration(c.now() - began)}
	for _, p := range parts {
		out.polls, out.tooFast, out.late = out.polls+p.polls, out.tooFast+p.tooFast, max(out.late, p.late)
	}
	return out, errors.Join(errs...)
}

// paceOne is pace for the visitors of one connection.
func (c *crowd) paceOne(at int, began, end int64) (p paced, err error) {
	w := c.wires[at]
	var slots [wheel][]int32 // visitors by the tick in which they are due
	slot := func(due int64) *[]int32 { return &slots[due/int64(tick)%wheel] }
	for i := at; i < len(c.due); i += len(c.wires) {
		if c.due[i] < began {
			c.due[i] = began + (began-c.due[i])%max(1, c.due[i]-c.visits[i].got)
		}
		*slot(c.due[i]) = append(*slot(c.due[i]), int32(i))
	}
	for now := began; now < end; now += int64(tick) {
		if wait := now - c.now(); wait > 0 {
			time.Sleep(time.Duration(wait))
		}
		due := *slot(now)
		*slot(now) = nil
		for _, i := range due {
			p.late = max(p.late, time.Duration(c.now()-c.due[i])-tick)
			status, err := c.poll(w, int(i))
			if p.polls++; err == nil && status == http.StatusTooManyRequests {
				p.tooFast++
				c.due[i] = c.now() + int64(time.Second)
			} else if err = expect(w, http.StatusOK, status, err); err == nil {
				err = c.heard(w, int(i))
			}
			if err != nil {
				return p, err
			}
			*slot(c.due[i]) = append(*slot(c.due[i]), i)
		}
	}
	return p, nil
}
