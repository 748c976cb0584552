package apptest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	lineRoom  = "line"
	linePath  = "/api/v1/rooms/" + lineRoom
	atOnce    = 512 // requests of a crowd
	again     = 500 * time.Millisecond
	checkEach = time.Second
)

// lineAnswer is what a crowd reads of an answer.
type lineAnswer struct {
	Visitor   string `json:"visitor"`
	State     string `json:"state"`
	Number    int64  `json:"number"`
	Position  int64  `json:"position"`
	Watermark int64  `json:"watermark"`
	PollAfter int    `json:"poll_after_seconds"`
	Place     string `json:"place"`
	Pass      string `json:"pass"`
	Type      string `json:"type"`
	Booking   string `json:"booking_id"`

	status int  // 0: no answer
	frozen bool // it says that the line has not been heard of
	after  time.Duration
	sent   time.Duration // when it was asked
	said   string
}

// passWords is what a pass says, which its holder cannot verify and need not.
type passWords struct {
	JTI     string `json:"jti"`
	Number  int64  `json:"num"`
	Expires int64  `json:"exp"`
}

func readPass(token string) (p passWords, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return p, fmt.Errorf("a pass of %d parts", len(parts))
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, err
}

// habit is what somebody does who does as he is told otherwise.
type habit int

const (
	visits  habit = iota // is inside for a few seconds and leaves
	stays                // is inside until his pass runs out, and looks around all the time
	silent               // is inside and not heard of again
	cheats               // leaves and goes on with his old pass, and with his old place
	wanders              // leaves the line
	doubles              // joins again and again from another tab
	buys                 // buys a seat: the booking core says that he is done
)

// person is one of a crowd. One step of his is taken at a time.
type person struct {
	*member
	habit   habit
	step    func(*person) (after time.Duration)
	visitor string
	place   string
	pass    string
	leaves  time.Duration
	tried   int // to go on after leaving
	ticket  string
	booking string
}

// gate is a gateway as a load balancer knows it.
type gate struct {
	client *fasthttp.HostClient
	up     atomic.Bool // it was ready, and has not been found to be gone
}

// lineCrowd is people who wait at some gateways. Whoever comes does as he is told: joins, asks as often as he is told to, enters when he is called.
type lineCrowd struct {
	*lineLedger
	gates []*gate
	stay  time.Duration // of who visits, on average
	stop  chan struct{} // closed when nobody shall ask any more
	busy  chan struct{} // a token for each request that is under way
	own   sync.WaitGroup

	event   string      // that the room is before
	tickets chan string // for those who buy; none: nobody does

	polls, tooFast, unanswered, done atomic.Int64
}

func newLineCrowd(public []string, capacity int, stay time.Duration) *lineCrowd {
	c := &lineCrowd{lineLedger: newLineLedger(capacity), stay: stay, stop: make(chan struct{}), busy: make(chan struct{}, atOnce)}
	for _, p := range public {
		g := &gate{client: &fasthttp.HostClient{
			Addr: strings.TrimPrefix(p, "http://"), MaxConns: atOnce, ReadTimeout: 15 * time.Second, WriteTimeout: 5 * time.Second, MaxIdemponentCallAttempts: 1,
			Name: "apptest",
		}}
		g.up.Store(true)
		c.gates = append(c.gates, g)
	}
	return c
}

// end lets nobody ask any more, and waits for the last answer.
func (c *lineCrowd) end() {
	close(c.stop)
	c.own.Wait()
	for range atOnce {
		c.busy <- struct{}{}
	}
}

// come lets somebody come.
func (c *lineCrowd) come() {
	p := &person{member: c.join(), step: c.meets}
	switch n := rand.IntN(100); {
	case n < 4:
		p.habit = stays
	case n < 8:
		p.habit = silent
	case n < 14:
		p.habit = cheats
	case n < 16:
		p.habit = wanders
	case n < 20:
		p.habit = doubles
	case n < 26 && c.tickets != nil:
		p.habit = buys
	}
	c.takes(p, 0)
}

// arrive lets n people come at once.
func (c *lineCrowd) arrive(n int) {
	for range n {
		c.come()
	}
}

// stream lets people come at a rate until the crowd ends.
func (c *lineCrowd) stream(perSecond float64) {
	c.own.Go(func() {
		tick := time.NewTicker(time.Duration(float64(time.Second) / perSecond))
		defer tick.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-tick.C:
				c.come()
			}
		}
	})
}

// takes takes the next step of somebody later, and the one after that when it is time.
func (c *lineCrowd) takes(p *person, after time.Duration) {
	time.AfterFunc(after, func() {
		select {
		case <-c.stop:
			return
		case c.busy <- struct{}{}:
		}
		after := p.step(p)
		<-c.busy
		if p.step != nil {
			c.takes(p, after)
		}
	})
}

// ask sends a request of somebody to a gateway that is up, and reads the answer.
func (c *lineCrowd) ask(p *person, method, path, pass string) lineAnswer {
	return c.send(p, method, path, pass, "")
}

// send is ask with a body, which is sent under a key of his own.
func (c *lineCrowd) send(p *person, method, path, pass, body string) (a lineAnswer) {
	g := c.gates[rand.IntN(len(c.gates))]
	for first := rand.IntN(len(c.gates)); !g.up.Load(); first++ { // one at a time is away
		g = c.gates[first%len(c.gates)]
	}
	in, out := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(in)
	defer fasthttp.ReleaseResponse(out)
	in.Header.SetMethod(method)
	in.SetRequestURI("http://" + g.client.Addr + path)
	if p.visitor != "" {
		in.Header.Set("Usher-Visitor", p.visitor)
	}
	if p.place != "" {
		in.Header.Set("Usher-Place", p.place)
	}
	if pass != "" {
		in.Header.Set("Authorization", "Bearer "+pass)
	}
	if body != "" {
		in.Header.SetContentType("application/json")
		in.Header.Set("Idempotency-Key", p.ticket)
		in.SetBodyString(body)
	}
	a.sent = c.now()
	if err := g.client.Do(in, out); err != nil {
		c.unanswered.Add(1)
		a.said, a.after = err.Error(), again
		return a
	}
	if body := out.Body(); len(body) > 0 {
		if err := json.Unmarshal(body, &a); err != nil {
			a.said = "not JSON: "
		}
	}
	a.status, a.said = out.StatusCode(), a.said+strconv.Itoa(out.StatusCode())+" "+string(out.Body())
	a.frozen = string(out.Header.Peek("Usher-Degraded")) == "line-frozen"
	a.after = time.Duration(max(a.PollAfter, 0)) * time.Second
	if wait, err := strconv.Atoi(string(out.Header.Peek("Retry-After"))); err == nil {
		a.after = time.Duration(wait) * time.Second
	}
	if fresh := string(out.Header.Peek("Usher-Pass")); fresh != "" && pass != "" {
		p.pass = fresh
	}
	a.after = max(a.after, again)
	return a
}

// over reports whether an answer is of those that anybody must be ready for: none at all, or 503 for a moment.
func (a lineAnswer) over() bool { return a.status == 0 || a.status == 503 || a.status == 429 }

// meets is the first contact.
func (c *lineCrowd) meets(p *person) time.Duration {
	a := c.ask(p, "POST", "/api/v1/visitors", "")
	if a.status != 201 {
		return a.after
	}
	p.visitor, p.step = a.Visitor, c.joins
	return 0
}

// joins asks for a number until there is one.
func (c *lineCrowd) joins(p *person) time.Duration {
	c.attempt(p.member)
	a := c.ask(p, "POST", linePath+"/join", "")
	switch {
	case a.status == 200 || a.status == 201:
		c.joined(p.member, a.Number)
		p.place, p.step = a.Place, c.polling
		p.shown = a.Position
		return a.after
	case a.over():
		return a.after
	}
	c.lost(p.member, "join: "+a.said)
	p.step = nil
	return 0
}

// polling asks where he stands, until he is called.
func (c *lineCrowd) polling(p *person) time.Duration {
	if p.habit == doubles && rand.IntN(10) == 0 {
		if a := c.ask(p, "POST", linePath+"/join", ""); a.status == 200 || a.status == 201 {
			c.rejoined(p.member, a.Number)
		}
	}
	if p.habit == wanders && rand.IntN(10) == 0 {
		p.step = c.wanderOff
		return 0
	}
	path := linePath + "/place"
	if p.shown > 0 {
		path += "?shown=" + strconv.FormatInt(p.shown, 10)
	}
	a := c.ask(p, "GET", path, "")
	c.polls.Add(1)
	switch {
	case a.status == 429:
		c.tooFast.Add(1)
	case a.over():
	case a.status == 200 && a.State == "waiting":
		c.waiting(p.member, a.sent, a)
	case a.status == 200 && a.State == "called":
		c.called(p.member)
		p.step = c.entering
		return time.Duration(rand.IntN(int(again)))
	default:
		c.lost(p.member, "poll: "+a.said)
		p.step = nil
	}
	return a.after
}

// wanderOff leaves the line.
func (c *lineCrowd) wanderOff(p *person) time.Duration {
	c.gives(p.member)
	if a := c.ask(p, "POST", linePath+"/leave", ""); a.status != 204 {
		return a.after
	}
	p.step = nil
	return 0
}

// entering enters, as often as it takes.
func (c *lineCrowd) entering(p *person) time.Duration {
	a := c.ask(p, "POST", linePath+"/enter", "")
	switch {
	case a.status == 200 && a.Pass != "":
		w, err := readPass(a.Pass)
		if err != nil {
			c.lost(p.member, "enter: "+err.Error())
			p.step = nil
			return 0
		}
		c.enters(p.member, w)
		p.pass, p.step = a.Pass, c.inside
		p.leaves = c.now() + time.Duration((0.5+rand.Float64())*float64(c.stay))
		switch p.habit {
		case silent:
			p.step = nil
		case buys:
			select {
			case p.ticket = <-c.tickets:
				p.step = c.holds
			default:
			}
		}
	case a.over() || a.status == 409 && a.Type == "/problems/room-full":
		return a.after
	case a.status == 409 && a.Type == "/problems/not-called":
		c.uncalled(p.member)
		return a.after
	default:
		c.lost(p.member, "enter: "+a.said)
		p.step = nil
	}
	return 0
}

// inside looks around until it is time to leave.
func (c *lineCrowd) inside(p *person) time.Duration {
	now := c.now()
	if p.habit == stays {
		p.leaves = p.expires
	}
	if now >= p.leaves {
		if p.habit == stays {
			p.step = nil
			return 0
		}
		p.step = c.leaving
		return 0
	}
	if a := c.ask(p, "GET", linePath+"/check", p.pass); !a.over() {
		c.checked(p.member, a)
	}
	return min(checkEach, p.leaves-now)
}

// holds holds a seat.
func (c *lineCrowd) holds(p *person) time.Duration {
	a := c.ask(p, "POST", "/api/v1/events/"+c.event+"/ticket/"+p.ticket+"/hold", p.pass)
	switch {
	case a.status == 201 || a.status == 200:
		p.step = c.books
	case c.now() > p.leaves:
		p.step = c.leaving
	}
	return a.after
}

// books books it.
func (c *lineCrowd) books(p *person) time.Duration {
	a := c.send(p, "POST", "/api/v1/booking", p.pass, `{"ticketIds":["`+p.ticket+`"]}`)
	switch {
	case a.Booking != "":
		p.booking, p.step = a.Booking, c.pays
	case !a.over():
		p.step = c.leaving
	}
	return a.after
}

// pays pays. From then on the booking core may say that he is done.
func (c *lineCrowd) pays(p *person) time.Duration {
	c.gives(p.member)
	a := c.send(p, "POST", "/api/v1/booking/"+p.booking+"/confirm", p.pass, `{"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`)
	if a.status == 200 || a.status == 202 {
		p.step = c.isDone
	} else if !a.over() {
		p.step = c.leaving
	}
	return a.after
}

// isDone shows his pass until his session is over, because he has bought or because his time is up.
func (c *lineCrowd) isDone(p *person) time.Duration {
	a := c.ask(p, "GET", linePath+"/check", p.pass)
	if a.status != 401 {
		return again
	}
	if c.now() < p.expires-expiresEarly {
		c.done.Add(1)
	}
	c.gone(p.member)
	p.step = nil
	return 0
}

// leaving leaves, as often as it takes.
func (c *lineCrowd) leaving(p *person) time.Duration {
	c.gives(p.member)
	a := c.ask(p, "POST", linePath+"/leave", p.pass)
	if a.status != 204 && c.now() < p.expires {
		return a.after
	}
	c.gone(p.member)
	p.step = nil
	if p.habit == cheats && a.status == 204 {
		p.step = c.cheating
	}
	return 0
}

// cheating shows what is no use any more: the old pass, then the old place.
func (c *lineCrowd) cheating(p *person) time.Duration {
	if p.tried++; p.tried%2 == 1 {
		if a := c.ask(p, "GET", linePath+"/check", p.pass); !a.over() {
			c.checked(p.member, a)
		}
	} else if a := c.ask(p, "POST", linePath+"/enter", ""); a.status == 200 && a.Pass != "" {
		if w, err := readPass(a.Pass); err == nil {
			c.enters(p.member, w)
		}
	}
	if p.tried == 8 {
		p.step = nil
	}
	return checkEach
}
