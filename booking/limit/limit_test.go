package limit

import (
	"math/rand/v2"
	"testing"
	"time"
)

var rules = Rules{Target: 500 * time.Millisecond, Least: 8, Most: 1000}

func TestHowALimitMoves(t *testing.T) {
	t.Parallel()
	f := func(limit float64, s Seen, want float64) {
		t.Helper()
		if got := rules.Next(limit, s); got != want {
			t.Errorf("from %v, %+v: %v, want %v", limit, s, got, want)
		}
	}
	slow, quick := 600*time.Millisecond, 10*time.Millisecond
	f(1000, Seen{}, 1000)                                          // nothing was seen
	f(1000, Seen{Calls: 1, Quickest: time.Second, Peak: 200}, 100) // half as many take half as long
	f(1000, Seen{Calls: 1, Quickest: time.Minute, Peak: 1000}, 250)
	f(1000, Seen{Calls: 1, Quickest: slow, Peak: 200}, 160) // by those who are there, not by what might be
	f(100, Seen{Calls: 9, Quickest: slow, Peak: 100}, 80)
	f(9, Seen{Calls: 9, Quickest: slow, Peak: 9}, 8) // the least
	f(8, Seen{Calls: 9, Quickest: slow, Peak: 1}, 8)
	f(1000, Seen{Calls: 9, Quickest: slow, Peak: 8}, 1000) // so few make no queue
	f(100, Seen{Calls: 9, Quickest: quick, Peak: 50}, 104)
	f(100, Seen{Calls: 9, Quickest: quick, Peak: 50, Since: Calm}, 129)
	f(100, Seen{Calls: 9, Quickest: 200 * time.Millisecond, Peak: 50, Since: Calm}, 104)
	f(100, Seen{Calls: 9, Quickest: quick, Peak: 49}, 100)   // not used
	f(998, Seen{Calls: 9, Quickest: quick, Peak: 998}, 1000) // the most
	f(100, Seen{Calls: 9, Quickest: rules.Target, Peak: 99}, 104)
}

// desks plays callers before a server that does so many calls a second in the order of their coming, each tick a millisecond, and returns how long calls took in the last
// second, how many were served then, and how many places each desk had at the end. Those who are refused come again.
func desks(limits []*Limit, perSecond int, callers int, seconds int) (worst time.Duration, served int, shares []int) {
	type call struct {
		of    *Limit
		began time.Time
	}
	now, rng := time.Unix(0, 0), rand.New(rand.NewPCG(1, 2))
	var queue []call
	waiting := make([]int, len(limits))
	for i := range waiting {
		waiting[i] = callers
	}
	credit := 0.0
	for ms := range seconds * 1000 {
		now = now.Add(time.Millisecond)
		for i, l := range limits {
			for n := rng.IntN(12); n > 0 && waiting[i] > 0 && l.Enter(true); n-- {
				waiting[i]--
				queue = append(queue, call{l, now})
			}
		}
		for credit = min(credit+float64(perSecond)/1000, 10); credit >= 1 && len(queue) > 0; credit-- {
			c := queue[0]
			queue = queue[1:]
			c.of.Took(c.began, now)
			c.of.Leave()
			for i, l := range limits {
				if l == c.of {
					waiting[i]++
				}
			}
			if ms >= (seconds-1)*1000 {
				served++
				worst = max(worst, now.Sub(c.began))
			}
		}
	}
	for _, l := range limits {
		_, n := l.Now()
		shares = append(shares, n)
	}
	return worst, served, shares
}

// However many want to be served, those who are under way are served within about the target, at the server's full speed.
func TestACrowdIsServedWithinTheTarget(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{100, 400, 1600} {
		worst, served, _ := desks([]*Limit{New(rules)}, perSecond, 2000, 30)
		if worst > 2*rules.Target {
			t.Errorf("%d a second: a call took %s", perSecond, worst)
		}
		if served < perSecond*9/10 {
			t.Errorf("%d a second: %d were served", perSecond, served)
		}
	}
}

// The control: with a limit that does not move calls take as long as the crowd is large.
func TestControlWithoutALimitCallsTakeLong(t *testing.T) {
	t.Parallel()
	fixed := rules
	fixed.Least, fixed.Most = 2000, 2000
	if worst, _, _ := desks([]*Limit{New(fixed)}, 100, 2000, 40); worst < 4*rules.Target {
		t.Errorf("without a limit a call took %s: the proof proves nothing", worst)
	}
}

// Two desks come to shares that are alike, also when one was there before.
func TestTwoDesksComeToFairShares(t *testing.T) {
	t.Parallel()
	a, b := New(rules), New(rules)
	a.limit, b.limit = 400, 20
	a.lowered, b.lowered = time.Unix(0, 0), time.Unix(0, 0)
	_, _, shares := desks([]*Limit{a, b}, 400, 1000, 60)
	if shares[0] > 3*shares[1] || shares[1] > 3*shares[0] {
		t.Errorf("shares %v", shares)
	}
}

func TestWithoutTroubleNobodyIsRefused(t *testing.T) {
	t.Parallel()
	l := New(rules)
	now := time.Unix(0, 0)
	for range 10_000 {
		if !l.Enter(false) {
			t.Fatal("refused")
		}
		began := now
		now = now.Add(20 * time.Millisecond)
		l.Took(began, now)
		l.Leave()
	}
	if n, limit := l.Now(); n != 0 || limit != rules.Most {
		t.Errorf("%d under way of %d", n, limit)
	}
}

// A crowd that comes after a quiet time in which single calls were slow finds its places, and one that comes after trouble finds them within some seconds.
func TestACrowdAfterTroubleFindsItsPlaces(t *testing.T) {
	t.Parallel()
	l := New(rules)
	now := time.Unix(0, 0)
	for range 20 {
		l.Enter(false)
		l.Took(now, now.Add(2*time.Second))
		l.Leave()
		now = now.Add(3 * time.Second)
	}
	if _, limit := l.Now(); limit != rules.Most {
		t.Errorf("after single slow calls the limit is %d", limit)
	}
	l.limit, l.lowered = float64(rules.Least), now
	began := now
	for _, limit := l.Now(); limit < rules.Most && now.Sub(began) < time.Minute; _, limit = l.Now() {
		entered := 0
		for l.Enter(true) {
			entered++
		}
		now = now.Add(50 * time.Millisecond)
		for range entered {
			l.Took(now.Add(-50*time.Millisecond), now)
			l.Leave()
		}
	}
	if took := now.Sub(began); took > Calm+5*time.Second {
		t.Errorf("a healthy crowd has waited %s for all places", took)
	}
}

func TestWhoComesFirstHasPlacesToHimself(t *testing.T) {
	t.Parallel()
	l := New(Rules{Least: 8, Most: 80})
	others, first := 0, 0
	for l.Enter(false) {
		others++
	}
	for l.Enter(true) {
		first++
	}
	if others != 70 || first != 10 {
		t.Errorf("%d others and %d who come first, want 70 and 10", others, first)
	}
}

// A call that began before the limit was lowered tells nothing about the lower one: one slow second lowers it once.
func TestCallsOfBeforeLowerItOnce(t *testing.T) {
	t.Parallel()
	l := New(rules)
	start := time.Unix(100, 0)
	for range 100 {
		l.Enter(false)
	}
	for i := range 100 {
		l.Took(start, start.Add(time.Second+time.Duration(i)*10*time.Millisecond))
		l.Leave()
	}
	if _, limit := l.Now(); limit != 50 {
		t.Errorf("the limit is %d, want 50", limit)
	}
}

func BenchmarkCall(b *testing.B) {
	l := New(rules)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			began := time.Now()
			if l.Enter(false) {
				l.Took(began, time.Now())
				l.Leave()
			}
		}
	})
}
