package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/gateway/lang"
	"usher/internal/id"
	"usher/waitroom"
)

// stateRoom is a room that stands as a test says.
type stateRoom struct {
	*fakeRoom
	change func(*waitroom.Room)
}

func (f *stateRoom) Room(room string) (waitroom.Room, error) {
	r, err := f.fakeRoom.Room(room)
	if f.change != nil {
		f.change(&r)
	}
	return r, err
}

// roomEdge is an edge whose room is changed, and whose polls answer a changed line.
func roomEdge(t *testing.T, room func(*waitroom.Room), line func(*waitroom.Line)) *edge {
	t.Helper()
	e := newEdge(t, func(_ *Config, p *Parts) {
		f, _ := p.Waitroom.(*fakeRoom)
		p.Waitroom = &stateRoom{f, room}
	})
	e.room.poll = func(shown int64) (waitroom.Line, error) {
		l := e.room.line(id.NewVisitor())
		if room != nil {
			room(&l.Room)
		}
		if line != nil {
			line(&l)
		}
		if shown > 0 && l.Position > shown {
			l.Position = shown
		}
		return l, nil
	}
	return e
}

var asBrowser = []string{"Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}

// hidden is what the page shows only when the turn comes while it is open.
var hidden = regexp.MustCompile(`(?s)<section id="turn" class="off">.*?</section>`)

// seen is a page's text as somebody sees it: without what is hidden, without tags.
func seen(page string) string {
	page = regexp.MustCompile(`(?s)<(script|style|noscript|head)\b.*?</(script|style|noscript|head)>`).ReplaceAllString(page, " ")
	page = regexp.MustCompile(`(?s)<(p|dt|dd|div)\b[^>]* hidden[ >].*?</(p|dt|dd|div)>`).ReplaceAllString(page, " ")
	page = hidden.ReplaceAllString(page, " ")
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

// Every standing, in every state of the room, is said in words, with the buttons that help then and no others.
func TestTheRoomPageShowsEveryStanding(t *testing.T) {
	t.Parallel()
	const join, enter, leave, refresh = `/rooms/final/join"`, `/rooms/final/enter"`, `/rooms/final/leave"`, `http-equiv="refresh"`
	state := func(s waitroom.State) func(*waitroom.Room) {
		return func(r *waitroom.Room) { r.State = s; r.OpensAt = time.Now().Add(time.Hour) }
	}
	stands := func(s waitroom.Standing, change ...func(*waitroom.Line)) func(*waitroom.Line) {
		return func(l *waitroom.Line) {
			l.State, l.UpdatedAt = s, time.Now()
			for _, f := range change {
				f(l)
			}
		}
	}
	left := func(n int) func(*waitroom.Line) { return func(l *waitroom.Line) { l.TicketsLeft = n } }
	odds := func(percent int) func(*waitroom.Line) {
		return func(l *waitroom.Line) { l.Odds = waitroom.Odds{Percent: percent} }
	}
	frozen := func(l *waitroom.Line) { l.Degraded = true }
	longer := func(l *waitroom.Line) { l.Slower = waitroom.SlowerPace }
	vague := func(l *waitroom.Line) { l.Estimate = nil }
	before := func(d time.Duration) func(*waitroom.Line) {
		return func(l *waitroom.Line) { l.Position, l.Estimate, l.EnterBefore = 0, nil, time.Now().Add(d) }
	}
	first := func(l *waitroom.Line) {
		l.Position, l.Estimate = 1, &waitroom.Estimate{Low: time.Second, High: 5 * time.Second}
	}
	for name, c := range map[string]struct {
		room  func(*waitroom.Room)
		line  func(*waitroom.Line) // nil: not in line
		holds []string             // that is seen
		lacks []string
		forms []string // in the source; none but these
	}{
		"outside":                 {nil, nil, []string{"12 people", "about 60 people a minute", "order of arrival", "share one place", "A <match>", "Doors <open> soon"}, nil, []string{join}},
		"outside, paused":         {state(waitroom.Paused), nil, []string{"organiser has paused", "Join the line"}, nil, []string{join}},
		"outside, scheduled":      {state(waitroom.Scheduled), nil, []string{"not open yet", "The line opens", "UTC"}, nil, []string{refresh}},
		"outside, pre-queue":      {state(waitroom.PreQueue), nil, []string{"not open yet"}, nil, []string{refresh}},
		"outside, draining":       {state(waitroom.Draining), nil, []string{"Nobody else can join"}, []string{"Join the line"}, nil},
		"outside, ended":          {state(waitroom.Ended), nil, []string{"This line is over", "What is on"}, []string{"Join the line", "order of arrival"}, nil},
		"outside, rejecting":      {func(r *waitroom.Room) { r.Method = waitroom.Reject }, nil, []string{"This line is over"}, nil, nil},
		"outside, nobody waits":   {func(r *waitroom.Room) { r.Waiting = 0 }, nil, []string{"nobody: you would be next"}, []string{"people a minute"}, []string{join}},
		"outside, no line":        {func(r *waitroom.Room) { r.Active = false }, nil, []string{"Nobody has to wait", "Choose seats"}, []string{"12 people"}, []string{join}},
		"outside, passing":        {func(r *waitroom.Room) { r.Method = waitroom.Passthrough }, nil, []string{"Nobody has to wait"}, nil, []string{join}},
		"waiting":                 {nil, stands(waitroom.StandWaiting), []string{"Your place in line 12 11 people are ahead", "between 2 minutes and 3 minutes", "Last update", "in 5 seconds"}, []string{"Tickets left", "Chance of a ticket", "It is your turn", "technical"}, []string{leave, refresh}},
		"waiting, tickets":        {nil, stands(waitroom.StandWaiting, left(1234), odds(85)), []string{"Tickets left 1,234", "Chance of a ticket about 85%"}, []string{"You may not get one"}, []string{leave, refresh}},
		"waiting, few tickets":    {nil, stands(waitroom.StandWaiting, left(3), odds(5)), []string{"Tickets left 3", "Chance of a ticket about 5%", "You may not get one"}, nil, []string{leave, refresh}},
		"waiting, frozen":         {nil, stands(waitroom.StandWaiting, frozen), []string{"stands still for technical reasons", "12", "not known at the moment"}, []string{"Nearly there", "between"}, []string{leave, refresh}},
		"waiting, paused":         {state(waitroom.Paused), stands(waitroom.StandWaiting, vague), []string{"organiser has paused", "not known while the line is paused"}, nil, []string{leave, refresh}},
		"waiting, draining":       {state(waitroom.Draining), stands(waitroom.StandWaiting), []string{"Everybody in line is still served"}, nil, []string{leave, refresh}},
		"waiting, nothing known":  {nil, stands(waitroom.StandWaiting, vague), []string{"not known at the moment"}, nil, []string{leave, refresh}},
		"waiting, longer":         {nil, stands(waitroom.StandWaiting, longer), []string{"the estimate has grown", "has slowed it down", "between 2 minutes and 3 minutes"}, nil, []string{leave, refresh}},
		"waiting, longer, frozen": {nil, stands(waitroom.StandWaiting, longer, frozen), []string{"technical reasons"}, []string{"has grown"}, []string{leave, refresh}},
		"waiting, next":           {nil, stands(waitroom.StandWaiting, first), []string{"You are next", "less than 10 seconds", "Nearly there", "5 minutes to enter"}, nil, []string{leave, refresh}},
		"waiting for the draw":    {state(waitroom.PreQueue), stands(waitroom.StandPreQueue, func(l *waitroom.Line) { l.Position = 0 }), []string{"drawn when the line opens"}, nil, []string{leave, refresh}},
		"sold out":                {nil, stands(waitroom.StandSoldOut, left(0)), []string{"Returned tickets may appear", "Tickets left 0", "not known at the moment"}, []string{"You may not get one", "between", "Nearly there"}, []string{leave, refresh}},
		"sold out, frozen":        {nil, stands(waitroom.StandSoldOut, left(0), frozen), []string{"Returned tickets", "technical reasons"}, nil, []string{leave, refresh}},
		"called":                  {nil, stands(waitroom.StandCalled, before(4*time.Minute)), []string{"It is your turn", "Enter before"}, []string{"may be over"}, []string{enter, leave}},
		"called, frozen":          {nil, stands(waitroom.StandCalled, before(4*time.Minute), frozen), []string{"It is your turn"}, nil, []string{enter, leave}},
		"called, too late":        {nil, stands(waitroom.StandCalled, before(-time.Minute)), []string{"time to enter may be over"}, nil, []string{enter, leave}},
		"entered":                 {nil, stands(waitroom.StandEntered, func(l *waitroom.Line) { l.PassExpiresAt = time.Now().Add(time.Hour) }), []string{"You are in", "You can choose seats until", "Choose seats"}, nil, []string{leave, refresh, "/seats"}},
		"left":                    {nil, stands(waitroom.StandLeft), []string{"You have left the line"}, nil, []string{join}},
		"expired":                 {nil, stands(waitroom.StandExpired), []string{"the time to enter is over", "Join the line again"}, nil, []string{join}},
		"ended":                   {state(waitroom.Ended), stands(waitroom.StandEnded), []string{"a line that is over", "This line is over"}, nil, nil},
	} {
		e := roomEdge(t, c.room, c.line)
		headers := append([]string{}, asBrowser...)
		if c.line != nil {
			_, place := e.placed()
			headers = append(headers, place...)
		}
		r := e.want(200, "", "GET", "/rooms/final", "", headers...)
		text := seen(r.raw)
		for _, want := range c.holds {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", name, want, text)
			}
		}
		for _, bad := range c.lacks {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q in %s", name, bad, text)
			}
		}
		for _, form := range []string{join, enter, leave, refresh} {
			want := strings.Contains(strings.Join(c.forms, " "), form)
			offered := hidden.ReplaceAllString(r.raw, "") // where it waits for the script
			if got := strings.Contains(offered, form); got != want {
				t.Errorf("%s: %s is there: %t, want %t", name, form, got, want)
			}
		}
		if frozen := strings.Contains(text, "technical reasons"); frozen != (r.header.Get("Usher-Degraded") == "line-frozen") && !strings.HasPrefix(name, "called") {
			t.Errorf("%s: frozen %t, header %q", name, frozen, r.header.Get("Usher-Degraded"))
		}
		if r.header.Get(visitorHeader) == "" {
			t.Errorf("%s: no visitor is issued at the first contact", name)
		}
		checkSafe(t, r, name)
	}
}

// What the page's address remembers is bounded; a liar fools only himself.
func TestTheRoomPageRefusesGarbageInItsAddress(t *testing.T) {
	t.Parallel()
	e := roomEdge(t, nil, nil)
	_, place := e.placed()
	headers := append(append([]string{}, asBrowser...), place...)
	for _, name := range []string{"shown", "from"} {
		for _, v := range []string{"0", "-1", "1e3", "", "x", "1.5", "99999999999999999999", "1000000000001", "%00", "1%3Cscript%3E", "1&" + name + "=2"} {
			r := e.want(400, "", "GET", "/rooms/final?"+name+"="+v, "", headers...)
			if strings.Contains(r.raw, "<script>") || r.header.Get("Set-Cookie") != "" {
				t.Errorf("%s=%s: %v %.200s", name, v, r.header, r.raw)
			}
		}
	}
	f := func(query, position, bar string) {
		t.Helper()
		r := e.want(200, "", "GET", "/rooms/final"+query, "", headers...)
		if !strings.Contains(r.raw, `id="position">`+position+`<`) || !strings.Contains(r.raw, bar) {
			t.Errorf("%q: no position %s or no %s in %s", query, position, bar, r.raw)
		}
	}
	f("", "12", `max="12" value="0"`)
	f("?shown=10&from=100", "10", `max="100" value="90"`)
	f("?shown=50", "12", `max="50" value="38"`)
	f("?from=5", "12", `max="12" value="0"`)
	f("?shown=1&from=1000000000000", "1", `max="1000000000000" value="999999999999"`)
}

// Every refusal of every form that a person can mend or wait for is told on the page, with the status of the API.
func TestTheRoomPageExplainsEveryRefusal(t *testing.T) {
	t.Parallel()
	e := roomEdge(t, nil, nil)
	_, visitor := e.visitor()
	sealed := e.room.SealPlace(waitroom.Place{Room: roomName, Visitor: id.NewVisitor()})
	jar := []string{"Cookie", "usher_place_final=" + sealed + "; usher_pass_final=old"}
	var fail error
	wait := waitroom.Line{PollAfter: 2500 * time.Millisecond, Position: 4}
	e.room.join = func() (waitroom.Line, bool, error) { return waitroom.Line{}, false, fail }
	e.room.enter = func() (waitroom.Line, error) { return wait, fail }
	e.room.leave = func() error { return fail }
	for _, c := range []struct {
		form   string
		err    error
		status int
		says   string
		forms  string // that is offered
		drops  bool   // the place is forgotten
	}{
		{"join", waitroom.ErrRoomClosed, 403, "Nobody can join at the moment", `/leave"`, false},
		{"join", waitroom.ErrLineUnavailable, 503, "Your place is kept", `/leave"`, false},
		{"join", booking.ErrOverloaded, 503, "Very many people", `/leave"`, false},
		{"join", waitroom.ErrPlaceUsed, 410, "used already", `/join"`, true},
		{"enter", waitroom.ErrNotCalled, 409, "not your turn yet", `/leave"`, false},
		{"enter", waitroom.ErrRoomFull, 409, "Press Enter again in 3 seconds", `/enter"`, false},
		{"enter", waitroom.ErrGraceOver, 410, "the time to enter is over", `/join"`, true},
		{"enter", waitroom.ErrPlaceUsed, 410, "Every place lets in once", `/join"`, true},
		{"enter", waitroom.ErrPlaceExpired, 410, "a line that is over", `/join"`, true},
		{"enter", waitroom.ErrLineUnavailable, 503, "Your place is kept", `/leave"`, false},
		{"enter", errors.Join(waitroom.ErrLineUnavailable, errUnheard), 503, "Your place is kept", `/leave"`, false},
		{"leave", waitroom.ErrLineUnavailable, 503, "Your place is kept", `/leave"`, false},
	} {
		fail = c.err
		headers := append(append(append([]string{}, asBrowser...), visitor...), jar...)
		if c.form == "leave" {
			headers[len(headers)-1] = "usher_place_final=" + sealed
		}
		r := e.want(c.status, "", "POST", "/rooms/final/"+c.form, "", headers...)
		if text := seen(r.raw); !strings.Contains(text, c.says) || !strings.Contains(r.raw, c.forms) {
			t.Errorf("%s, %v: no %q or no %s in %s", c.form, c.err, c.says, c.forms, text)
		}
		if dropped := strings.Contains(strings.Join(r.header.Values("Set-Cookie"), "\n"), "usher_place_final=;"); dropped != c.drops {
			t.Errorf("%s, %v: dropped %t, want %t: %v", c.form, c.err, dropped, c.drops, r.header)
		}
		if wants := c.status == 503 || c.err == waitroom.ErrRoomFull || c.err == waitroom.ErrNotCalled; wants != (r.header.Get("Retry-After") != "") {
			t.Errorf("%s, %v: Retry-After %q", c.form, c.err, r.header.Get("Retry-After"))
		}
		checkSafe(t, r, c.form)
	}
	fail = nil
	for form, says := range map[string]string{"join": "did not send our cookie", "enter": "You have no place in this line", "leave": "You have no place in this line"} {
		if r := e.want(401, "", "POST", "/rooms/final/"+form, "", asBrowser...); !strings.Contains(seen(r.raw), says) {
			t.Errorf("%s: %s", form, seen(r.raw))
		}
	}
	if r := e.want(401, "", "POST", "/rooms/final/enter", "", append([]string{"Cookie", "usher_place_final=forged"}, asBrowser...)...); !strings.Contains(seen(r.raw), "cannot read the place") {
		t.Errorf("forged: %s", seen(r.raw))
	}
}

// Forms lead on: to the seats of a room with one event, else back; what was given up is forgotten.
func TestTheRoomFormsLeadOn(t *testing.T) {
	t.Parallel()
	events := []id.Event{guarded}
	e := roomEdge(t, func(r *waitroom.Room) { r.Events = events }, nil)
	sealed := e.room.SealPlace(waitroom.Place{Room: roomName, Visitor: id.NewVisitor()})
	jar := append([]string{"Cookie", "usher_place_final=" + sealed}, asBrowser...)
	to := func(form, want string, headers ...string) reply {
		t.Helper()
		r := e.want(303, "", "POST", "/rooms/final/"+form, "", headers...)
		if got := r.header.Get("Location"); got != want {
			t.Errorf("%s leads to %q, want %q", form, got, want)
		}
		return r
	}
	to("enter", "/events/"+guarded.String()+"/seats", jar...)
	events = []id.Event{guarded, unguarded}
	to("enter", "/rooms/final", jar...)
	if r := to("leave", "/rooms/final", jar...); !strings.Contains(r.header.Get("Set-Cookie"), "usher_place_final=;") {
		t.Errorf("the place stays: %v", r.header)
	}
	_, visitor := e.visitor()
	again := append(append([]string{"Cookie", "usher_pass_final=" + passOf("expired", id.NewVisitor())}, visitor...), asBrowser...)
	if r := to("join", "/rooms/final", again...); !strings.Contains(strings.Join(r.header.Values("Set-Cookie"), "\n"), "usher_pass_final=;") {
		t.Errorf("the pass of before stays: %v", r.header)
	}
}

// A session that is over is not a turn, and one that lives is not disturbed by a store that is away.
func TestTheRoomPageKnowsASession(t *testing.T) {
	t.Parallel()
	e := roomEdge(t, nil, func(l *waitroom.Line) {
		l.State, l.Position, l.EnterBefore = waitroom.StandCalled, 0, time.Now().Add(time.Minute)
	})
	v := id.NewVisitor()
	place := "usher_place_final=" + e.room.SealPlace(waitroom.Place{Room: roomName, Visitor: v})
	f := func(pass, want string) {
		t.Helper()
		r := e.want(200, "", "GET", "/rooms/final", "", append([]string{"Cookie", place + pass}, asBrowser...)...)
		if !strings.Contains(seen(r.raw), want) {
			t.Errorf("no %q in %s", want, seen(r.raw))
		}
	}
	live := "; usher_pass_final=" + passOf(roomName, v)
	f("", "It is your turn")
	f(live, "You are in")
	f("; usher_pass_final=forged", "It is your turn")
	f("; usher_pass_final="+passOf("expired", v), "Your time to choose seats is over")
	e.room.session = func() error { return waitroom.ErrSessionOver }
	f(live, "Your time to choose seats is over")
	e.room.session = func() error { return waitroom.ErrLineUnavailable }
	f(live, "You are in")
}

const hostileText = `</script><img src=x onerror=alert(1)>"'&{{.}}` + "\u2028\u202e"

// Names and messages of others are text, wherever they stand.
func TestTheRoomPageIsSafeFromNamesAndMessages(t *testing.T) {
	t.Parallel()
	for _, state := range []waitroom.Standing{"", waitroom.StandWaiting, waitroom.StandCalled, waitroom.StandEntered} {
		e := roomEdge(t, func(r *waitroom.Room) { r.Name, r.Message = hostileText, hostileText }, func(l *waitroom.Line) { l.State = state })
		headers := append([]string{}, asBrowser...)
		if state != "" {
			_, place := e.placed()
			headers = append(headers, place...)
		}
		r := e.want(200, "", "GET", "/rooms/final", "", headers...)
		if strings.Contains(r.raw, "<img") || strings.Count(r.raw, "</script>") != 3 || !strings.Contains(seen(r.raw), "<img src=x") {
			t.Errorf("%s: %s", state, r.raw)
		}
		var seed struct {
			Name string
			Line *struct{ Message string }
		}
		_, rest, _ := strings.Cut(r.raw, `id="seed">`)
		block, _, _ := strings.Cut(rest, "</script>")
		if err := json.Unmarshal([]byte(block), &seed); err != nil || seed.Name != hostileText || seed.Line != nil && seed.Line.Message != hostileText {
			t.Errorf("%s: %v in %s", state, err, block)
		}
		if strings.Contains(r.raw, e.room.SealPlace(waitroom.Place{Room: roomName})[:12]) {
			t.Errorf("%s: the place is in the page, where scripts can read it", state)
		}
	}
}

// A catalog that is away leaves the names out, and those who are inside still find the seats.
func TestTheRoomPageStandsWithoutACatalog(t *testing.T) {
	t.Parallel()
	e := roomEdge(t, func(r *waitroom.Room) {
		for n := range 30 {
			r.Events = append(r.Events, event(n+10))
		}
	}, nil)
	e.catalog.err = booking.ErrStoreUnavailable
	r := e.want(200, "", "GET", "/rooms/final", "", asBrowser...)
	if strings.Contains(r.raw, "What this line is for") {
		t.Error("nothing is known, and yet it is named")
	}
	_, guest := e.guest()
	r = e.want(200, "", "GET", "/rooms/final", "", append(guest, asBrowser...)...)
	if n := strings.Count(r.raw, `/seats"`); n != maxInside {
		t.Errorf("%d links to seats, want %d", n, maxInside)
	}
}

// budget is what the page may weigh, compressed: the ten packets that a server sends before it hears of the first.
const budget = 14 << 10

// The heaviest state fits into the first packets, in every language, paints without a second request, and its policy allows what it carries and
// nothing else.
func TestTheRoomPageFitsIntoTheFirstPackets(t *testing.T) {
	t.Parallel()
	e := roomEdge(t, func(r *waitroom.Room) {
		r.Name, r.Message = "The final of the World Cup, all matches of the last weekend", strings.Repeat("Have your card ready. ", 12)
		r.Events = []id.Event{guarded, unguarded, guarded, unguarded}
	}, func(l *waitroom.Line) {
		l.Position, l.TicketsLeft, l.Degraded, l.UpdatedAt = 123456, 4321, true, time.Now()
		l.Odds = waitroom.Odds{Wanted: 99999, Percent: 1}
	})
	_, place := e.placed()
	for _, l := range lang.All() {
		r := e.want(200, "", "GET", "/rooms/final?shown=123456&from=234567", "", append(append([]string{"Cookie", "usher_lang=" + l.Tag}, place...), asBrowser...)...)
		gzip := len(encodings[1].pack([]byte(r.raw)))
		br := len(encodings[0].pack([]byte(r.raw)))
		t.Logf("%s: %d bytes, gzip %d, br %d", l.Tag, len(r.raw), gzip, br)
		if gzip > budget || br > budget {
			t.Errorf("%s: gzip %d, br %d, allowed are %d", l.Tag, gzip, br, budget)
		}
		for _, bad := range foreign.FindAllString(r.raw, -1) {
			t.Errorf("%s: a second request: %s", l.Tag, bad)
		}
		checkDigests(t, r)
	}
	for _, control := range []string{`<link rel="stylesheet" href="/assets/base.css">`, `<script src="/x.js">`, `<img src="data:,">`, `<style>@import "x"`, `<style>a{b:url(x)}`} {
		if !foreign.MatchString(control) {
			t.Errorf("%s is not found", control)
		}
	}
}

// foreign is whatever makes a browser ask for more; the favicon is in the page.
var foreign = regexp.MustCompile(`<link rel="(?:stylesheet|preload|modulepreload|manifest)"[^>]*>|<link [^>]*href="[^d][^>]*>|\ssrc(?:set)?="[^"]*"|@import|url\(`)

// checkDigests computes the digests of the scripts and styles that came and compares them with the policy that came.
func checkDigests(t *testing.T, r reply) {
	t.Helper()
	policy := r.header.Get("Content-Security-Policy")
	want := map[string]string{}
	for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		found := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(r.raw, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements %s", len(found), tag)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		want[tag] = fmt.Sprintf("%s 'sha256-%s'", directive, base64.StdEncoding.EncodeToString(sum[:]))
		if !strings.Contains(policy+";", want[tag]+";") {
			t.Errorf("policy %q lacks %s", policy, want[tag])
		}
	}
}
