package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// mood is what a fan is up to.
type mood int

const (
	buys     mood = iota // chooses, pays
	declines             // pays with a card that is declined, then with one that works
	givesUp              // holds or books, then leaves without paying
	leaves               // leaves the line
	silent               // is called and never comes
)

// fan is one visitor.
type fan struct {
	*crowd
	rng     *rand.Rand
	mood    mood
	visitor string
	place   string
	pass    string
	number  int64
	entered time.Time
	expires time.Time
	session bool
}

func newFan(c *crowd, seed uint64) *fan {
	f := &fan{crowd: c, rng: rand.New(rand.NewPCG(seed, 1))}
	switch p := f.rng.Float64(); {
	case p < 0.02:
		f.mood = silent
	case p < 0.06:
		f.mood = leaves
	case p < 0.14:
		f.mood = givesUp
	case p < 0.22:
		f.mood = declines
	}
	return f
}

// line is what the fan reads of a line.
type line struct {
	State         string    `json:"state"`
	Number        int64     `json:"number"`
	Position      *int64    `json:"position"`
	PollAfter     float64   `json:"poll_after_seconds"`
	Place         string    `json:"place"`
	Pass          string    `json:"pass"`
	PassExpiresAt time.Time `json:"pass_expires_at"`
	Type          string    `json:"type"` // of a problem
}

// answer is one exchange.
type answer struct {
	status    int
	sent, got time.Time
	retry     time.Duration
	body      []byte
	newPass   string
}

func (a answer) decode(into any) { _ = json.Unmarshal(a.body, into) }

// do sends a request and counts it, whatever comes of it.
func (f *fan) do(ctx context.Context, kind, method, path string, body any) answer {
	var reader io.Reader
	if body != nil {
		b, _ := json.Marshal(body)
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, f.url+path, reader)
	if err != nil {
		return answer{}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if f.visitor != "" {
		req.Header.Set("Usher-Visitor", f.visitor)
	}
	if f.place != "" {
		req.Header.Set("Usher-Place", f.place)
	}
	if f.pass != "" {
		req.Header.Set("Authorization", "Bearer "+f.pass)
	}
	a := answer{sent: time.Now(), retry: time.Second}
	resp, err := f.client.Do(req)
	if err == nil {
		a.status, a.newPass = resp.StatusCode, resp.Header.Get("Usher-Pass")
		a.body, _ = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
			a.retry = time.Duration(s) * time.Second
		}
	}
	a.got = time.Now()
	if ctx.Err() == nil { // what we cut short ourselves says nothing
		f.tally.count(kind, a)
	}
	return a
}

// visit is a fan's whole evening.
func (f *fan) visit(ctx context.Context) {
	a := f.do(ctx, "visitor", "POST", "/api/v1/visitors", nil)
	var v struct {
		Visitor string `json:"visitor"`
	}
	a.decode(&v)
	if f.visitor = v.Visitor; f.visitor == "" {
		return
	}
	if f.sale.room != "" && !f.wait(ctx) {
		return
	}
	if f.session {
		f.inside.Add(1)
		defer f.leave()
	}
	f.shop(ctx)
}

// wait joins, polls as often as told, and enters. It reports whether the fan is inside.
func (f *fan) wait(ctx context.Context) bool {
	room := "/api/v1/rooms/" + f.sale.room
	a := f.do(ctx, "join", "POST", room+"/join", nil)
	for a.status == http.StatusServiceUnavailable && pause(ctx, a.retry) {
		a = f.do(ctx, "join", "POST", room+"/join", nil)
	}
	var l line
	a.decode(&l)
	if a.status != http.StatusCreated && a.status != http.StatusOK || l.Place == "" {
		return false
	}
	f.place, f.number = l.Place, l.Number
	f.tally.numbered(f.number, f.visitor)
	f.waiting.Add(1)
	defer f.waiting.Add(-1)
	f.tally.arrived(f.number, a.got)
	defer func() { f.tally.left(f.number, time.Now()) }()
	shown := ""
	for {
		if l.State == "called" {
			return f.mood != silent && f.enter(ctx, room)
		}
		if l.State == "sold_out" && f.rng.Float64() < 0.3 || f.mood == leaves && f.rng.Float64() < 0.2 || f.soldOut.Load() {
			f.tally.left(f.number, time.Now())
			f.do(ctx, "leave", "POST", room+"/leave", nil)
			return false
		}
		if !pause(ctx, time.Duration(max(l.PollAfter, 0.05)*float64(time.Second))) {
			return false
		}
		a = f.do(ctx, "poll", "GET", room+"/place"+shown, nil)
		switch a.status {
		case http.StatusOK:
			l = line{}
			a.decode(&l)
			f.tally.told(f.number, l.State, a)
			if l.Position != nil {
				shown = "?shown=" + strconv.FormatInt(*l.Position, 10)
			}
		case http.StatusGone, http.StatusUnauthorized:
			return false
		default:
			l.PollAfter = a.retry.Seconds()
		}
	}
}

// enter asks until let in or refused for good.
func (f *fan) enter(ctx context.Context, room string) bool {
	for {
		a := f.do(ctx, "enter", "POST", room+"/enter", nil)
		var l line
		a.decode(&l)
		switch a.status {
		case http.StatusOK:
			f.pass, f.entered, f.expires, f.session = l.Pass, a.got, l.PassExpiresAt, true
			return f.pass != ""
		case http.StatusConflict, http.StatusServiceUnavailable, 0:
			if !pause(ctx, a.retry) {
				return false
			}
		default:
			return false
		}
	}
}

// leave gives the session up; that it was one until now is proved.
func (f *fan) leave() {
	f.inside.Add(-1)
	end := time.Now()
	if end.After(f.expires) {
		end = f.expires
	}
	f.tally.stayed(f.entered, end)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	f.do(ctx, "leave", "POST", "/api/v1/rooms/"+f.sale.room+"/leave", nil)
}
