package waitroom

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var noon = time.Unix(1_800_000_000, 0)

// gateways are some that share a line; each has its own presence.
type gateways struct {
	t    *testing.T
	w    Watch
	now  time.Time
	told []shared
	all  []*presence
	seen []*crowd

	heard map[string]time.Time
}

type shared struct {
	at   time.Time
	news []byte
}

const (
	told    = 4 * time.Second  // how long those who poll are told to wait
	horizon = 40 * time.Second // the longest that a poll speaks for somebody
)

// meet returns gateways whose line has so many numbers, and lets them hear each other for so long that they know who is there; polls says who.
func meet(t *testing.T, count int, numbers int64) *gateways {
	t.Helper()
	g := &gateways{t: t, heard: map[string]time.Time{}, w: Watch{Next: numbers, BlockEnd: 1 << 30, Incarnation: 1}, now: noon}
	for range count {
		g.begin()
	}
	return g
}

func (g *gateways) begin() {
	name := string(rune('a' + len(g.all)))
	g.all = append(g.all, &presence{Patience: Patient(), name: name, here: &here{}, start: g.now, horizon: horizon})
	g.seen = append(g.seen, nil)
}

// pass lets seconds pass, in which the gateways that are not away share, and every number that polls asks one of them at each interval that it is told.
func (g *gateways) pass(seconds int, polls func(n int64) bool, away ...int) {
	for range seconds {
		g.now = g.now.Add(time.Second)
		for n := g.w.Watermark; n < g.w.Next; n++ {
			if (g.now.Unix()+n)%int64(told/time.Second) == 0 && polls(n) {
				g.all[int(n)%len(g.all)].here.note(n, class(Patient().speaks(told), horizon))
			}
		}
		for i := range g.all {
			if !slices.Contains(away, i) {
				g.share(i)
			}
		}
	}
}

// share is a turn of a gateway.
func (g *gateways) share(i int) {
	p := g.all[i]
	for told := false; !told; {
		t := p.tell(g.w, g.now, false)
		if p.incarnation == g.w.Incarnation {
			g.told = append(g.told, shared{g.now, t.News})
			g.heard[t.Gateway] = g.now
		}
		s := Shared{Incarnation: g.w.Incarnation, Told: int64(len(g.told))}
		for name, at := range g.heard {
			if silent := g.now.Sub(at); silent > GatewaySilent {
				s.Silent = append(s.Silent, Silent{name, silent})
			}
		}
		for _, n := range g.told[min(p.told, s.Told):] {
			if g.now.Sub(n.at) <= NewsKept {
				s.News = append(s.News, n.news)
			}
		}
		told = p.hear(s, g.now)
	}
	g.seen[i] = p.judge(g.w, g.now)
}

// wants complains unless each gateway finds so many gone.
func (g *gateways) wants(when string, gone ...int64) {
	g.t.Helper()
	for i, want := range gone {
		if got := g.seen[i].gone(0, g.w.Next); got != want {
			g.t.Errorf("%s: gateway %d takes %d for gone, want %d", when, i, got, want)
		}
	}
}

func everybody(int64) bool { return true }

// threeOfFive is who is there when two in five have gone away.
func threeOfFive(n int64) bool { return n%5 > 1 }

func TestWhoIsSilentIsGoneAndNobodyElse(t *testing.T) {
	t.Parallel()
	g := meet(t, 3, 50_000)
	g.w.Watermark = 700
	g.pass(int(horizon/time.Second)-1, threeOfFive)
	g.wants("before a horizon is over", 0, 0, 0)
	g.pass(20, threeOfFive)
	g.wants("when two in five are silent", 19_720, 19_720, 19_720)
	for n := g.w.Watermark; n < g.w.Next; n++ {
		if gone := g.seen[0].gone(n, n+1) == 1; gone == threeOfFive(n) {
			t.Fatalf("number %d is gone: %t", n, gone)
		}
	}
	near := g.seen[1].near(g.w.Watermark)
	for n := g.w.Watermark; n < g.w.Watermark+nearNumbers-64; n++ {
		if near.Has(n) == threeOfFive(n) {
			t.Fatalf("for a step number %d is gone: %t", n, near.Has(n))
		}
	}
	g.pass(8, everybody)
	g.wants("when all have come back", 0, 0, 0)
	g.pass(22, threeOfFive) // two intervals, the slack, an eighth of a horizon and what is shared late
	g.pass(8, threeOfFive)
	g.wants("when they have gone again", 19_720, 19_720, 19_720)
	g.w.Watermark, g.w.Next = 30_000, 60_000
	g.pass(1, threeOfFive)
	g.wants("when others have joined and some were called", 8000, 8000, 8000)
}

// The position that people are told is nearly true.
func TestPositionsCountThoseWhoAreThere(t *testing.T) {
	t.Parallel()
	const size = 50_000
	g := meet(t, 2, size)
	here := rand.New(rand.NewPCG(1, 1)).Perm(size)
	polls := func(n int64) bool { return here[n]%5 > 1 }
	g.pass(int(horizon/time.Second)+20, polls)
	v := &view{Watch: g.w, crowd: g.seen[0]}
	v.Waiting = size
	ahead, worst := int64(0), 0.0
	for n := range int64(size) {
		got := v.position(n, 0)
		if off := float64(got-ahead-1) / float64(ahead+1); off < 0 || off > 0.02 {
			t.Fatalf("number %d is told %d, and %d are ahead", n, got, ahead)
		} else {
			worst = max(worst, off)
		}
		if polls(n) {
			ahead++
		}
	}
	t.Logf("off by %.2f %% at most", 100*worst)
	v.crowd = nil
	if got := v.position(size-1, 0); got < size*3/2*3/5 {
		t.Errorf("without presence the last is told %d: the test shows nothing", got)
	}
}

// Silence is absence only when it is known: each of these makes it unknown for a whole horizon.
func TestWhatIsNotKnownSpeaksForEverybody(t *testing.T) {
	t.Parallel()
	const size = 1000
	nobody := func(n int64) bool { return n < 100 } // nearly
	settled := func(t *testing.T) *gateways {
		t.Helper()
		g := meet(t, 2, size)
		g.pass(70, nobody)
		g.wants("settled", 900, 900)
		return g
	}
	soon, later := int(horizon/time.Second)-2, 20
	for name, what := range map[string]func(*gateways){
		"a gateway begins anew": func(g *gateways) {
			g.all[0] = &presence{Patience: Patient(), name: "new", here: &here{}, start: g.now, horizon: horizon}
			g.all[1].others["a"].bye = true
			delete(g.heard, "a")
			g.pass(soon, nobody)
			g.wants("soon", 0)
			g.pass(later, nobody)
		},
		"a gateway is silent": func(g *gateways) {
			g.pass(10, nobody, 1)
			g.wants("while it is", 0)
			g.pass(soon, nobody)
			g.wants("soon", 0, 0)
			g.pass(later, nobody)
		},
		"a gateway has died": func(g *gateways) {
			g.all, g.seen = g.all[:1], g.seen[:1] // people ask the other
			g.pass(2*int(horizon/time.Second)+soon, nobody)
			g.wants("soon after it is forgotten", 0)
			g.pass(later, nobody)
			g.seen = append(g.seen, g.seen[0])
		},
		"the line was lost": func(g *gateways) {
			g.w.Incarnation, g.told = 2, nil
			g.pass(soon, nobody)
			g.wants("soon", 0, 0)
			g.pass(later, nobody)
		},
		"news were not heard": func(g *gateways) {
			g.pass(3, nobody, 0)
			for i := range g.told {
				g.told[i].at = noon // nobody keeps them any more
			}
			g.pass(1, nobody)
			g.wants("at once", 0)
			g.pass(soon, nobody)
			g.pass(later, nobody)
		},
		"no gateway is reached": func(g *gateways) {
			g.pass(100, func(int64) bool { return false })
			g.wants("while none is", 0, 0)
			g.pass(later+soon, nobody)
		},
		"a gateway begins while another is cut off": func(g *gateways) {
			g.pass(int(NewsKept/time.Second)+1, everybody, 1) // those who ask that one wait, too
			g.all[0] = &presence{Patience: Patient(), name: "new", here: &here{}, start: g.now, horizon: horizon}
			delete(g.heard, "a")
			g.pass(soon, everybody, 1)
			g.wants("soon", 0)
			g.pass(soon/2, everybody, 1)
			g.wants("while nobody knows who asks the other", 0)
			g.pass(2, everybody)
			g.wants("when it is back", 0, 0)
			g.pass(soon, nobody)
			g.wants("a horizon after", 0, 0)
			g.pass(2*soon+later, nobody) // the other has not heard the goodbye of the one before
		},
		"the line was lost while a gateway was cut off": func(g *gateways) {
			g.pass(10, everybody, 1)
			g.w.Incarnation, g.told = 2, nil
			g.pass(soon+later, everybody, 1)
			g.wants("while nobody knows who asks the other", 0)
			g.pass(2*soon, nobody)
			g.pass(later, nobody)
		},
		"no gateway was ever reached": func(g *gateways) {
			*g = *meet(g.t, 2, size)
			g.pass(100, func(int64) bool { return false })
			g.wants("while none is", 0, 0)
			g.pass(later+soon, nobody)
		},
		"news are no news": func(g *gateways) {
			g.told = append(g.told, shared{g.now, []byte("nonsense")})
			g.pass(1, nobody)
			g.wants("at once", 0, 0)
			g.pass(later+soon, nobody)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := settled(t)
			what(g)
			g.wants("when it is known again", 900, 900)
		})
	}
}

// Control: without that, the same is taken for absence.
func TestControlWhoBelievesInWhatHeDoesNotKnowTakesPeopleForGone(t *testing.T) {
	t.Parallel()
	g := meet(t, 1, 1000)
	g.all[0].Horizons = 0
	g.pass(2, everybody)
	if g.seen[0].gone(0, 1000) == 0 {
		t.Error("a gateway that has just begun takes nobody for gone, though what it does not know speaks for nobody")
	}
	g = meet(t, 2, 1000)
	for _, p := range g.all {
		p.Hearing, p.Slack = time.Hour, 0
	}
	g.pass(60, everybody)
	g.wants("all are there", 0, 0)
	g.pass(40, everybody, 1)
	if g.seen[0].gone(0, 1000) == 0 {
		t.Error("those who ask a gateway that is not heard are taken for there, though it is not missed")
	}
}

// Who leaves is known at once.
func TestWhoLeavesIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	g := meet(t, 2, 1000)
	g.pass(60, everybody)
	for n := range int64(400) {
		g.all[0].here.note(n, hereLeft)
	}
	g.pass(2, func(n int64) bool { return n >= 400 })
	g.wants("after 400 have left", 400, 400)
}

// After losses numbers lie far apart; nobody is known to be in a hole, and nobody there is gone.
func TestNobodyInAHoleIsGone(t *testing.T) {
	t.Parallel()
	g := meet(t, 1, 10_000)
	g.pass(5, everybody)
	g.w.Holes = []Hole{{From: 9_000, Past: 509_000}, {From: 512_000, Past: 5_000_100}}
	g.w.Next = 5_010_000
	g.pass(100, func(n int64) bool { return n < 9_000 || n >= 509_000 && n < 510_000 })
	g.wants("3,900 of between the holes and behind them do not ask", 2_000+9_900)
	if n := g.seen[0].gone(9_000, 509_000); n != 0 {
		t.Errorf("%d are gone in a hole", n)
	}
	if pages := len(slices.DeleteFunc(slices.Clone(g.all[0].until), func(p *[herePage]uint16) bool { return p == nil })); pages > 10 {
		t.Errorf("%d pages are kept for 20,000 numbers", pages)
	}
}

// A number four million further on shares the bit: who is there speaks for both.
func TestNumbersThatShareABitSpeakForEachOther(t *testing.T) {
	t.Parallel()
	var h here
	h.note(5, 2)
	h.note(5000, 2)
	if got := h.take(4, herePage*herePages+5000)[2]; !slices.Equal(got, []int64{5, 5000, herePage*herePages + 5}) {
		t.Errorf("taken: %d", got)
	}
	if got := h.take(0, 1<<30)[2]; got != nil {
		t.Errorf("taken twice: %d", got)
	}
}

func TestAPollSpeaksForNobodyTooShort(t *testing.T) {
	t.Parallel()
	for ms := range 40_000 {
		d := time.Duration(ms) * time.Millisecond
		if got := lasts(class(d, horizon), horizon); got < d || got > d+horizon/hereClasses+time.Second {
			t.Fatalf("%v is told as %v", d, got)
		}
	}
	if lasts(hereLeft, horizon) != 0 {
		t.Error("who has left is spoken for")
	}
}

// FuzzNews: whatever comes from the store is refused, or is news that mean the same when they are told again.
func FuzzNews(f *testing.F) {
	f.Add(news{gateway: "a", turn: 7, here: []spoken{{20 * time.Second, []int64{0, 5, 1 << 31}}, {0, []int64{9}}}}.bytes())
	f.Add(news{gateway: "b", bye: true}.bytes())
	f.Add([]byte{newsVersion, 1, 'a', 0, 5, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseNews(b)
		if err != nil {
			return
		}
		again, err := parseNews(n.bytes())
		if err != nil || again.gateway != n.gateway || again.turn != n.turn || again.bye != n.bye || len(again.here) != len(n.here) {
			t.Fatalf("%+v becomes %+v, %v", n, again, err)
		}
		for i, s := range n.here {
			if !slices.Equal(s.numbers, again.here[i].numbers) || s.lasts != again.here[i].lasts || s.lasts > lastsMost || !slices.IsSorted(s.numbers) {
				t.Fatalf("%+v becomes %+v", s, again.here[i])
			}
		}
	})
}

func BenchmarkPresence(b *testing.B) {
	const size = 1_000_000
	g := meet(&testing.T{}, 1, size)
	g.pass(2, threeOfFive)
	v := &view{Watch: g.w, crowd: g.all[0].sweep(g.w, g.all[0].second(g.now.Add(time.Hour)))}
	b.Run("note", func(b *testing.B) {
		for i := range b.N {
			g.all[0].here.note(int64(i)%size, 3)
		}
	})
	b.Run("position", func(b *testing.B) {
		for i := range b.N {
			v.position(int64(i)%size, 0)
		}
	})
	b.Run("turn of a million", func(b *testing.B) {
		for range b.N {
			g.share(0)
		}
	})
}
