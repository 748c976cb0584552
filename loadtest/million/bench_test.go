package million

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

const (
	pollCap   = time.Minute // as rooms have it
	pacedFor  = time.Minute // of asking when told to
	rounds    = 10          // of asking as fast as it goes, in turn with the bare servers
	idleFor   = 5 * time.Second
	hurried   = 50_000 // asks of one visitor who does not wait
	idleConns = 5_000  // connections that are open and silent
	parts     = 4      // of the crowd, that join between two measurements of memory
	mebibyte  = 1 << 20
)

// BenchmarkMillion fills the line of one gateway, lets it wait and reports what that costs.
func BenchmarkMillion(b *testing.B) {
	n := *visitors
	if n < 1000 || n > 1_000_000 {
		b.Fatalf("-visitors %d: want 1,000 to 1,000,000", n)
	}
	if b.N > 1 {
		b.Fatal("run it with -benchtime 1x: once is long enough")
	}
	s := start(b, pollCap)
	c := newCrowd(b, s.public, n, connections)
	b.ReportMetric(0, "ns/op")
	s.memoryAt(b, 0)
	took, cost := s.costs(b, n, func() { must(b, c.each(c.wires, 0, n, c.meet)) })
	b.Logf("first contact: %.0f/s, %s", float64(n)/took.Seconds(), cost)
	s.fill(b, c)
	s.oneNumber(b, c)
	idle := s.idle(b, idleFor)
	b.Logf("a gateway that nobody asks: %.0f commands of Redis a second, which call the line", idle.perSecond)
	s.keepPace(b, c, idle)
	s.besideBare(b, c, idle)
	s.tooOften(b, c, idle)
	s.open(b, c)
}

// cost is processor time for each of what was done.
type cost struct{ gateway, redis time.Duration }

func (c cost) String() string {
	return fmt.Sprintf("processor time of the gateway %.1f µs and of Redis %.1f µs for each", micros(c.gateway), micros(c.redis))
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// costs returns how long something took, and what each of n things in it cost.
func (s *system) costs(b *testing.B, n int, do func()) (time.Duration, cost) {
	b.Helper()
	gateway, redis, began := used(b, s.pid), used(b, s.redisPid), time.Now()
	do()
	took := time.Since(began)
	return took, cost{(used(b, s.pid) - gateway) / time.Duration(n), (used(b, s.redisPid) - redis) / time.Duration(n)}
}

func used(b *testing.B, pid int) time.Duration {
	b.Helper()
	d, err := spent(pid)
	must(b, err)
	return d
}

func (s *system) memoryAt(b *testing.B, waiting int) {
	b.Helper()
	rss, heap := s.memory(b)
	b.Logf("%d waiting: the gateway has %.1f MiB, %.1f of them on the heap", waiting, float64(rss)/mebibyte, float64(heap)/mebibyte)
}

// fill lets all visitors join, in parts.
func (s *system) fill(b *testing.B, c *crowd) {
	b.Helper()
	n := len(c.visits)
	before, counted := s.info(b), s.metrics(b)
	var all, slowest time.Duration
	var sum cost
	for part := range parts {
		from, to := part*n/parts, (part+1)*n/parts
		took, cost := s.costs(b, to-from, func() { must(b, c.each(c.wires, from, to, c.join)) })
		b.Logf("joins %d to %d: %.0f/s, %s", from+1, to, float64(to-from)/took.Seconds(), cost)
		all, slowest = all+took, max(slowest, took)
		sum.gateway, sum.redis = sum.gateway+cost.gateway/parts, sum.redis+cost.redis/parts
		s.memoryAt(b, to)
	}
	after, m := s.info(b), s.metrics(b)
	trips := (m.number("usher_line_join_trips_total") - counted.number("usher_line_join_trips_total")) / float64(n)
	b.ReportMetric(float64(n)/all.Seconds(), "joins/s")
	b.ReportMetric(float64(n)/parts/slowest.Seconds(), "slowest-part-joins/s")
	b.ReportMetric(trips, "trips/join")
	b.ReportMetric(micros(sum.gateway), "gateway-µs/join")
	b.ReportMetric(micros(sum.redis), "redis-µs/join")
	bytes := float64(after.number("used_memory")-before.number("used_memory")) / float64(n)
	b.ReportMetric(bytes, "redis-B/visitor")
	checkOrder(b, c.visits)
	b.Logf("%d numbers are all different, without gaps, in order of arrival; Redis has %.0f bytes a visitor, %.1f MiB in all", n, bytes, float64(after.number("used_memory"))/mebibyte)
}

// oneNumber lets one visitor join many times at once, and others again.
func (s *system) oneNumber(b *testing.B, c *crowd) {
	b.Helper()
	eager, err := stranger(c.wires[0])
	must(b, err)
	numbers, first := c.storm(b, eager, atOnce)
	if len(numbers) != 1 || first != 1 {
		b.Errorf("one visitor who joined %d times at once was told %d times that his number is new: %v", atOnce, first, numbers)
	}
	must(b, c.each(c.wires, 0, atOnce, c.again))
}

// keepPace lets everybody ask when he was told to.
func (s *system) keepPace(b *testing.B, c *crowd, idle redisIdle) {
	b.Helper()
	before := s.info(b)
	gateway := used(b, s.pid)
	p, err := c.pace(pacedFor)
	must(b, err)
	gateway = used(b, s.pid) - gateway
	total, by := s.info(b).since(before)
	more := idle.beyond(total, p.took)
	b.Logf("%d visitors asked when they were told to: %.0f polls/s for %.0f s, the latest %.2f s after his time, %d of %d too often; %.0f %% of one core, %.1f µs each; "+
		"Redis %d commands, %.0f more than without: %v", len(c.visits), float64(p.polls)/p.took.Seconds(), p.took.Seconds(), p.late.Seconds(), p.tooFast, p.polls,
		100*gateway.Seconds()/p.took.Seconds(), micros(gateway)/float64(p.polls), total, more, by)
	b.ReportMetric(float64(p.polls)/p.took.Seconds(), "paced-polls/s")
	b.ReportMetric(p.late.Seconds(), "late-s")
	s.memoryAt(b, len(c.visits))
}

// besideBare asks as fast as it goes, in turn with servers that do nothing.
func (s *system) besideBare(b *testing.B, c *crowd, idle redisIdle) {
	b.Helper()
	c.patient(0, 1, pollCap/4)
	must(b, c.answered(c.wires[0], 0)) // the size of an answer
	size := c.wires[0].size
	type bare struct {
		pid   int
		wires []*wire
		used  time.Duration
	}
	c.patient(0, len(c.asked), pollCap/4)
	bares := map[string]*bare{}
	for _, kind := range []string{limitedBare, plainBare} {
		address, pid := startBare(b, kind, size)
		bares[kind] = &bare{pid: pid, wires: wires(b, address, connections)}
	}
	asked := func(w *wire, i int) error { // the same request to all
		status, err := c.poll(w, i)
		return expect(w, http.StatusOK, status, err)
	}
	part := len(c.visits) / rounds
	var ours, took time.Duration
	var commands int
	low, high := 99.0, 0.0
	for round := range rounds {
		from, to := round*part, (round+1)*part
		before, spent := s.info(b), used(b, s.pid)
		began := time.Now()
		must(b, c.each(c.wires, from, to, asked))
		took += time.Since(began)
		spent = used(b, s.pid) - spent
		total, _ := s.info(b).since(before)
		ours, commands = ours+spent, commands+total
		for kind, other := range bares {
			theirs := used(b, other.pid)
			must(b, c.each(other.wires, from, to, asked))
			theirs = used(b, other.pid) - theirs
			if other.used += theirs; kind == limitedBare && theirs > 0 {
				low, high = min(low, spent.Seconds()/theirs.Seconds()), max(high, spent.Seconds()/theirs.Seconds())
			}
		}
	}
	polls := float64(part * rounds)
	b.Logf("%.0f polls as fast as it goes, %d bytes each: %.0f/s; %.2f µs of processor time each, a bare handler %.2f with the same limits and %.2f without (ratios %.2f and %.2f, "+
		"rounds %.2f to %.2f); Redis %d commands, %.0f more than without", polls, size, polls/took.Seconds(), micros(ours)/polls, micros(bares[limitedBare].used)/polls,
		micros(bares[plainBare].used)/polls, ours.Seconds()/bares[limitedBare].used.Seconds(), ours.Seconds()/bares[plainBare].used.Seconds(), low, high,
		commands, idle.beyond(commands, took))
	b.ReportMetric(polls/took.Seconds(), "polls/s")
	b.ReportMetric(micros(ours)/polls, "gateway-µs/poll")
	b.ReportMetric(ours.Seconds()/bares[limitedBare].used.Seconds(), "poll/bare")
	b.ReportMetric(ours.Seconds()/bares[plainBare].used.Seconds(), "poll/plain")
	b.ReportMetric(idle.beyond(commands, took)/polls, "redis-commands/poll")
}

// tooOften lets one visitor ask without waiting.
func (s *system) tooOften(b *testing.B, c *crowd, idle redisIdle) {
	b.Helper()
	c.patient(0, 1, pollCap/4)
	before := s.info(b)
	var statuses map[int]int
	took, cost := s.costs(b, hurried, func() {
		var err error
		statuses, err = c.hurry(0, hurried)
		must(b, err)
	})
	total, _ := s.info(b).since(before)
	b.Logf("one visitor who does not wait: %.0f/s, %.2f µs of processor time each, answered %v; Redis %d commands, %.0f more than without",
		hurried/took.Seconds(), micros(cost.gateway), statuses, total, idle.beyond(total, took))
	b.ReportMetric(micros(cost.gateway), "gateway-µs/429")
}

// open opens connections that stay silent after one request.
func (s *system) open(b *testing.B, c *crowd) {
	b.Helper()
	before, heap := s.memory(b)
	for _, w := range wires(b, c.address, idleConns) {
		status, err := w.ask("GET", roomPath)
		must(b, expect(w, http.StatusOK, status, err))
	}
	rss, after := s.memory(b)
	b.Logf("%d more open connections: %.1f KiB of the gateway each, %.1f of them on the heap", idleConns, float64(rss-before)/1024/idleConns, float64(after-heap)/1024/idleConns)
	b.ReportMetric(float64(rss-before)/idleConns, "B/connection")
}
