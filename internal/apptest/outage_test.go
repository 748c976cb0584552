package apptest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/guard"
	"usher/internal/testenv"
)

// outageSize is how large a proof is.
type outageSize struct {
	waiting            int
	absence            time.Duration // of a store that is away
	perMinute          int           // calls
	session            time.Duration
	pollCap            time.Duration
	patience           time.Duration // until all is well again, after which the test fails
	calling, positions time.Duration // what is promised; 0: not judged, for other tests may run beside
}

// sizeOfOutages is the small proof of `make test`, or the whole one of `make prove`.
func sizeOfOutages() outageSize {
	if os.Getenv("USHER_PROVE") != "" {
		return outageSize{50_000, time.Minute, 1200, 2 * time.Minute, 16 * time.Second, 2 * time.Minute, 10 * time.Second, 30 * time.Second}
	}
	return outageSize{5000, 4 * time.Second, 1200, 30 * time.Second, 3 * time.Second, time.Minute, 0, 0}
}

func (o outageSize) perSecond() float64 { return float64(o.perMinute) / 60 }

// outageStay is how long most people are inside, on average.
const outageStay = 4 * time.Second

// capacity is what the people who are called need, and little more: after a loss, when ten seconds of calls come at once, the room is full.
func (o outageSize) capacity() int {
	return int(o.perSecond() * 1.25 * ((outageStay + 4500*time.Millisecond).Seconds() + 0.08*(o.session+5*time.Second).Seconds()))
}

func (o outageSize) room() string {
	return fmt.Sprintf(`{"rooms": [{"room": %q, "name": "The Line", "method": "fifo", "capacity": %d, "calls_per_minute": %d, "session_seconds": %g, "grace_seconds": 300,
		"poll_floor_seconds": 1, "poll_cap_seconds": %g}]}`, lineRoom, o.capacity(), o.perMinute, o.session.Seconds(), o.pollCap.Seconds())
}

// outage is one way in which a store fails.
type outage struct {
	name   string
	before func(*lineProof) // when all is well: people come and go on thereafter
	take   func(*lineProof)
	back   func(*lineProof)
	away   bool // the store is away for a time between
}

// outages are the cases. The replica comes last: nothing is behind it.
var outages = []outage{
	{name: "Redis is flushed", take: func(p *lineProof) { p.s.FlushRedis() }},
	{name: "Redis is killed and its file cut", take: (*lineProof).cutFile, back: func(p *lineProof) { p.s.Stores["Redis"].Start() }},
	{name: "Redis is killed", away: true, take: func(p *lineProof) { p.s.Stores["Redis"].Kill() }, back: func(p *lineProof) { p.s.Stores["Redis"].Start() }},
	{name: "Redis is paused", away: true, take: func(p *lineProof) { p.s.Stores["Redis"].Pause() }, back: func(p *lineProof) { p.s.Stores["Redis"].Resume() }},
	{name: "Postgres is killed", away: true, take: func(p *lineProof) { p.s.Stores["Postgres"].Kill() }, back: func(p *lineProof) { p.s.Stores["Postgres"].Start() }},
	{name: "Postgres is paused", away: true, take: func(p *lineProof) { p.s.Stores["Postgres"].Pause() }, back: func(p *lineProof) { p.s.Stores["Postgres"].Resume() }},
	behindReplica,
}

// behindReplica is a failover to a replica that has heard nothing of its master for some time.
var behindReplica = outage{
	name: "a replica that lags is promoted",
	before: func(p *lineProof) {
		p.replica = p.s.OwnRedis.Replica(p.t)
		p.replica.CutOff()
		p.goesOn(40)
	},
	take: func(p *lineProof) { p.replica.Promote() },
}

// lineProof is a crowd at three gateways.
type lineProof struct {
	*lineCrowd
	t       *testing.T
	s       *System
	size    outageSize
	replica *testenv.Replica
	last    int // the gateway that was restarted last
}

func startLineProof(t *testing.T, size outageSize, off ...guard.Guard) *lineProof {
	t.Helper()
	s := Start(t, Options{Gateways: 3, Rooms: size.room(), Own: true, Off: off})
	p := &lineProof{lineCrowd: newLineCrowd(s.Public, size.capacity(), outageStay), t: t, s: s, size: size}
	t.Cleanup(sync.OnceFunc(p.end))
	p.arrive(size.waiting)
	within(t, 2*time.Minute, "everybody has his number", func() bool { return p.have() >= size.waiting })
	p.stream(size.perSecond())
	return p
}

// goesOn waits until so many more have entered, and as many have come.
func (p *lineProof) goesOn(more int) {
	p.t.Helper()
	entered, have := p.entered(), p.have()
	within(p.t, p.size.patience, fmt.Sprintf("%d more have entered and come", more), func() bool { return p.entered() >= entered+more && p.have() >= have+more })
}

// meet lets the crowd meet an outage. One gateway is killed and started again meanwhile.
func (p *lineProof) meet(t *testing.T, o outage) {
	p.t = t
	p.goesOn(20)
	if o.before != nil {
		o.before(p)
	}
	p.faults()
	o.take(p)
	p.last = (p.last + 1) % len(p.gates)
	p.gates[p.last].up.Store(false)
	p.s.Kill("gateway", p.last)
	ready := p.supervise(p.last)
	if o.away {
		time.Sleep(p.size.absence) // it is the fault
	}
	if o.back != nil {
		o.back(p)
	}
	p.returns()
	var calling, positions time.Duration
	for deadline, well := time.Now().Add(p.size.patience), false; !well; time.Sleep(50 * time.Millisecond) {
		if calling, positions, well = p.settled(); !well && time.Now().After(deadline) {
			t.Fatalf("%v after the store was back it is not all well: %s", p.size.patience, p.pending())
		}
	}
	select {
	case <-ready:
	case <-time.After(p.size.patience):
		t.Fatalf("gateway %d is not ready", p.last)
	}
	t.Logf("calling again %.1f s after the store was back, positions right after %.1f s", calling.Seconds(), positions.Seconds())
	if p.size.calling > 0 && calling > p.size.calling {
		t.Errorf("calling again after %v, want %v at most", calling, p.size.calling)
	}
	if p.size.positions > 0 && positions > p.size.positions {
		t.Errorf("positions right after %v, want %v at most", positions, p.size.positions)
	}
	p.goesOn(20)
	then := p.now()
	p.judge(then, p.s.admissions())
	t.Logf("%d inside at most, of %d", p.fullest, p.capacity)
	p.report(t)
}

// supervise starts a gateway whenever it has ended, until it is ready: without Postgres it ends at once.
func (p *lineProof) supervise(i int) (ready <-chan struct{}) {
	done := make(chan struct{})
	p.own.Go(func() {
		for {
			p.s.StartRole("gateway", i)
			if _, is := p.s.untilReady(i, p.stop); is {
				p.gates[i].up.Store(true)
				close(done)
				return
			}
			select {
			case <-p.stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
	return done
}

// cutFile kills Redis and cuts its append-only file somewhere.
func (p *lineProof) cutFile() {
	p.t.Helper()
	p.s.Stores["Redis"].Kill()
	files, err := filepath.Glob(filepath.Join(p.s.OwnRedis.DataDir(), "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) == 0 {
		p.t.Fatalf("Redis has no append-only file: %v", err)
	}
	slices.Sort(files)
	last := files[len(files)-1]
	info, err := os.Stat(last)
	if err != nil {
		p.t.Fatal(err)
	}
	seed := rand.Uint64()
	at := rand.New(rand.NewPCG(seed, 0)).Int64N(max(1, info.Size()))
	p.t.Logf("seed %d: the file is cut at byte %d of %d", seed, at, info.Size())
	if err := os.Truncate(last, at); err != nil {
		p.t.Fatal(err)
	}
}

// admissions are all sessions, as Postgres has them.
func (s *System) admissions() (out []admission) {
	s.withDB(func(ctx context.Context, db *pgx.Conn) error {
		rows, err := db.Query(ctx, "SELECT number, jti, entered_at, least(coalesce(ended_at, 'infinity'), expires_at) FROM admissions WHERE room = $1", lineRoom)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a admission, err error) {
			return a, row.Scan(&a.number, &a.jti, &a.from, &a.to)
		})
		return err
	})
	return out
}

// They run alone: what people are told is held to times.
func TestTheLineSurvivesItsStores(t *testing.T) {
	p := startLineProof(t, sizeOfOutages())
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) { p.meet(t, o) })
	}
	p.t = t
	t.Logf("%d polls, %d of them too soon, %d requests without an answer", p.polls.Load(), p.tooFast.Load(), p.unanswered.Load())
}

// A line that believes whatever Redis remembers gives numbers twice behind a replica that lags, and throws out who has entered meanwhile.
func TestControlALineThatBelievesALaggingReplicaIsFound(t *testing.T) {
	t.Parallel()
	size := sizeOfOutages()
	size.waiting = 500
	p := startLineProof(t, size, guard.LineRun)
	p.goesOn(20)
	behindReplica.before(p)
	p.faults()
	behindReplica.take(p)
	p.returns()
	for _, want := range []promise{numberOnce, undisturbed} {
		within(t, size.patience, "it is found that it is not so that "+string(want), func() bool { return slices.Contains(p.broken(), want) })
	}
	p.tell(t.Logf)
}

// A room that does not count holds more than it may.
func TestControlARoomThatDoesNotCountIsFound(t *testing.T) {
	t.Parallel()
	size := sizeOfOutages()
	size.waiting = 500
	p := startLineProof(t, size, guard.RoomCapacity)
	p.capacity = size.capacity() / 10 // what the crowd needs is ten times as much
	p.goesOn(p.capacity * 3)
	then := p.now()
	p.judge(then, p.s.admissions())
	if got := p.broken(); !slices.Equal(got, []promise{roomHolds}) {
		t.Errorf("the room does not count, and it was found that it is not so that %q", got)
	}
}

// docs/failures.md tells of every outage what people see.
func TestEveryOutageIsToldOf(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outages {
		if !strings.Contains(string(text), "\n| "+o.name+" |") {
			t.Errorf("docs/failures.md has no row for: %s", o.name)
		}
	}
}
