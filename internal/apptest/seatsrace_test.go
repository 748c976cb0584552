package apptest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"usher/booking/command"
	"usher/internal/guard"
	"usher/internal/stream"
)

// patienceOfChecker is how long one seat's history may take to be decided.
const patienceOfChecker = 30 * time.Second

// seatRace is people who want the same few seats, while what is behind the door is killed, stopped, and cut off.
type seatRace struct {
	*System
	history *seatHistory
	event   string
	tickets []string
	stop    chan struct{} // closed when nobody begins anything more
	needs   []string      // what must have been said before that, or a minute more has passed

	mu   sync.Mutex // guards said
	said map[string]int
}

func newSeatRace(t *testing.T, seats int, own bool, off ...guard.Guard) *seatRace {
	t.Helper()
	r := &seatRace{history: newSeatHistory(), stop: make(chan struct{}), said: map[string]int{}}
	r.System = Start(t, Options{Workers: 2, Gateways: 2, Catalog: eventOf(seats), Off: off, Own: own, Env: map[string]string{
		"USHER_LEASE": "1s", "USHER_HOLD": "4s", "USHER_CHECKOUT": "4s",
	}})
	r.event = r.EventID()
	r.tickets, _ = NewFan(t, client, r.Public[0]).Tickets(r.event)
	return r
}

func (r *seatRace) over() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// patiently asks until an answer is one: no store is away, and nothing is under way any more.
func patiently(ask func() Answer) (a Answer, ok bool) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		a = ask()
		if a.Status != 0 && a.Status != http.StatusServiceUnavailable && a.Problem() != "request-in-progress" {
			return a, true
		}
	}
	return a, false
}

// buyer goes for seats until the race is over.
func (r *seatRace) buyer(number int) {
	rng := rand.New(rand.NewPCG(uint64(number), 11))
	f := NewFan(r.t, client, r.Public[number%len(r.Public)])
	me := ownerOf(f)
	for n := 0; !r.over(); n++ {
		seats := []string{r.tickets[rng.IntN(len(r.tickets))]}
		if other := r.tickets[rng.IntN(len(r.tickets))]; other != seats[0] && rng.IntN(3) == 0 {
			seats = append(seats, other)
		}
		r.buys(f, number, me, fmt.Sprintf("%d-%d", number, n), seats, rng)
		time.Sleep(time.Duration(rng.IntN(50)) * time.Millisecond) // people are not faster
	}
}

// tells notes an answer and counts it. A hold that is refused says nothing: it may always be.
func (r *seatRace) tells(number int, what, me, key string, asked int64, out seatAnswer, seats ...string) {
	if what != "hold" || out.said != "refused" {
		r.history.note(number, what, me, key, asked, out, seats...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said[what+" "+out.said]++
}

// until is the end that an answer tells, early enough.
func (r *seatRace) until(a Answer) int64 {
	at, err := time.Parse(time.RFC3339, a.Str("expiration_time"))
	if err != nil {
		return 0
	}
	return int64(at.Sub(r.history.began)) - early
}

func (r *seatRace) buys(f *Fan, number int, me, key string, seats []string, rng *rand.Rand) {
	for _, seat := range seats {
		asked := r.history.now()
		a, ok := patiently(func() Answer { return f.Hold(r.event, seat) })
		out := seatAnswer{said: "refused"}
		switch {
		case !ok:
			out.said = "unknown"
		case a.Status == http.StatusCreated || a.Status == http.StatusOK:
			out = seatAnswer{said: "done", until: r.until(a)}
		}
		if r.tells(number, "hold", me, "", asked, out, seat); out.said != "done" {
			return
		}
	}
	if rng.IntN(4) == 0 {
		return // he lets them run out
	}
	asked := r.history.now()
	a, ok := patiently(func() Answer { return f.Book("k-"+key, seats...) })
	booking := a.Str("booking_id")
	if ok && a.Status == http.StatusAccepted {
		a = f.Settled(booking, time.Minute)
		ok = a.Str("status") != "pending" && a.Status == http.StatusOK
	}
	out := seatAnswer{said: "refused"}
	switch {
	case !ok || a.Status >= 500:
		out.said = "unknown"
	case a.Str("status") == "reserved":
		out = seatAnswer{said: "done", until: r.until(a)}
	case a.Str("status") == "expired": // it was reserved, and has run out while he waited
		out.said = "unknown"
	}
	if r.tells(number, "book", me, key, asked, out, seats...); out.said != "done" {
		return
	}
	switch rng.IntN(8) {
	case 0, 1, 2: // he lets it run out
	case 3, 4:
		asked := r.history.now()
		a, ok := patiently(func() Answer { return f.Do("POST", "/api/v1/booking/"+booking+"/cancel", nil) })
		out := seatAnswer{said: "refused"}
		switch {
		case !ok:
			out.said = "unknown"
		case a.Status == http.StatusOK:
			out.said = "done"
		}
		r.tells(number, "cancel", me, key, asked, out, seats...)
	case 5:
		r.pays(f, number, me, key, booking, "tok_declined", seats)
		r.pays(f, number, me, key, booking, "tok_ok", seats)
	default:
		r.pays(f, number, me, key, booking, []string{"tok_declined", "tok_ok"}[rng.IntN(2)], seats)
	}
	asked = r.history.now()
	switch a, ok := patiently(func() Answer { return f.Do("GET", "/api/v1/booking/"+booking, nil) }); {
	case ok && a.Status == http.StatusOK:
		r.tells(number, "read", me, key, asked, seatAnswer{said: a.Str("status")}, seats...)
	case ok && a.Status == http.StatusNotFound:
		r.tells(number, "read", me, key, asked, seatAnswer{said: "lost"}, seats...)
	}
}

// pays tries to pay, and waits until it is known what has come of it.
func (r *seatRace) pays(f *Fan, number int, me, key, booking, token string, seats []string) {
	asked := r.history.now()
	a, ok := patiently(func() Answer { return f.Confirm(booking, token) })
	out := seatAnswer{said: "refused"}
	if ok && (a.Status == http.StatusOK || a.Status == http.StatusAccepted) {
		a = f.Settled(booking, time.Minute)
	}
	switch status := a.Str("status"); {
	case !ok || a.Status >= 500 || status == "paying":
		out.said = "unknown"
	case status == "confirmed":
		out.said = "confirmed"
	case a.Status == http.StatusPaymentRequired:
		out.said = "reserved"
	}
	r.tells(number, "confirm", me, key, asked, out, seats...)
}

// duplicates delivers commands again, as a producer does that has not heard of their arrival.
func (r *seatRace) duplicates(ctx context.Context, every int) {
	brokers, err := stream.ParseBrokers(r.setting("USHER_KAFKA"))
	if err != nil {
		r.t.Error(err)
		return
	}
	producer := stream.NewProducer(brokers)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { _ = producer.Run(ctx) })
	seen := 0
	_ = stream.Open(brokers, command.Topic).Follow(ctx, command.Partitions, func(m stream.Record) {
		c, err := command.Decode(m.Value)
		if seen++; err != nil || seen%every != 0 {
			return
		}
		_ = producer.Write(ctx, stream.Message{Topic: command.Topic, Key: c.Event.String(), Value: m.Value})
	})
}

// seatFault is something that goes wrong for a time.
type seatFault struct {
	name string
	do   func(r *seatRace, lasts time.Duration)
}

// seatFaults come one after the other. The pauses in them are the faults' rhythm, not waits for an effect.
var seatFaults = []seatFault{
	{"a worker is killed", func(r *seatRace, lasts time.Duration) {
		r.Kill("worker", 0)
		time.Sleep(lasts / 4)
		r.StartRole("worker", 0)
	}},
	{"a worker is stopped for longer than its lease", func(r *seatRace, lasts time.Duration) {
		r.signal("worker", 1, syscall.SIGSTOP)
		time.Sleep(lasts)
		r.signal("worker", 1, syscall.SIGCONT)
	}},
	{"connections to Postgres are cut", func(r *seatRace, lasts time.Duration) {
		for range 8 {
			r.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.3`)
			time.Sleep(rand.N(lasts / 8))
		}
	}},
}

// ownFaults are those that take a process away which only the race has.
var ownFaults = []seatFault{
	{"a gateway is killed", func(r *seatRace, lasts time.Duration) {
		r.Kill("gateway", 0)
		time.Sleep(lasts / 4)
		r.StartRole("gateway", 0)
	}},
	{"the relay is killed", func(r *seatRace, lasts time.Duration) {
		r.Kill("relay", 0)
		time.Sleep(lasts / 4)
		r.StartRole("relay", 0)
	}},
	killed("Postgres"), killed("Redis"), killed("Kafka"),
}

func killed(store string) seatFault {
	return seatFault{store + " is killed", func(r *seatRace, lasts time.Duration) {
		r.Stores[store].Kill()
		time.Sleep(lasts / 4)
		r.Stores[store].Start()
	}}
}

// storm lets faults come, one after the other, until the race is over, and returns how often which came.
func (r *seatRace) storm(faults []seatFault, lasts time.Duration) map[string]int {
	came := map[string]int{}
	for n := 0; !r.over(); n++ {
		f := faults[n%len(faults)]
		f.do(r, lasts)
		came[f.name]++
		time.Sleep(lasts / 3)
	}
	return came
}

// heard reports whether all of some answers were given.
func (r *seatRace) heard(words []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(words, func(w string) bool { return r.said[w] == 0 })
}

// run lets buyers race for a time under the faults, and notes how the seats have come out.
func (r *seatRace) run(buyers int, lasts time.Duration, storm func() map[string]int) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	var people, faults sync.WaitGroup
	faults.Go(func() { r.duplicates(ctx, 5) })
	var came map[string]int
	faults.Go(func() { came = storm() })
	for i := range buyers {
		people.Go(func() { r.buyer(i) })
	}
	faults.Go(func() {
		defer close(r.stop)
		for began := time.Now(); time.Since(began) < lasts || !r.heard(r.needs) && time.Since(began) < lasts+time.Minute; {
			time.Sleep(20 * time.Millisecond)
		}
	})
	people.Wait()
	cancel()
	faults.Wait()
	within(r.t, 30*time.Second, "every payment settled", func() bool {
		return len(r.Query(`SELECT id FROM bookings WHERE status = 'paying'`))+len(r.Query(`SELECT id FROM payment_attempts WHERE NOT settled`)) == 0
	})
	r.history.ends(r.System, r.tickets)
	r.t.Logf("%d calls about %d seats, faults %v, answers %v", len(r.history.calls), len(r.tickets), came, r.said)
}

// TestWhatIsToldOfSeatsIsLinearizable: every answer about a seat, from the hold to the ticket, fits one order of events, while workers are killed and stopped,
// connections to Postgres are cut, and commands are delivered again; in the long proof also while a gateway, the relay, Postgres, Redis and Kafka are killed.
func TestWhatIsToldOfSeatsIsLinearizable(t *testing.T) {
	t.Parallel()
	seats, buyers, lasts, faults := 24, 16, 8*time.Second, seatFaults
	long := os.Getenv("USHER_PROVE") != ""
	if long {
		seats, buyers, lasts, faults = 400, 32, 5*time.Minute, slices.Concat(seatFaults, ownFaults)
	}
	r := newSeatRace(t, seats, long)
	r.needs = []string{"hold done", "hold refused", "book done", "confirm confirmed", "confirm reserved", "cancel done", "read reserved"}
	r.run(buyers, lasts, func() map[string]int { return r.storm(faults, 2*time.Second) })
	illegal, undecided := r.history.wrong(patienceOfChecker)
	for _, seat := range illegal {
		t.Errorf("what was told of seat %s fits no order:\n%s", seat, r.history.tell(seat))
	}
	if len(undecided) > 0 {
		t.Errorf("not decided within %s: %v", patienceOfChecker, undecided)
	}
	for _, seen := range r.needs {
		if r.said[seen] == 0 {
			t.Errorf("%q did not occur: %v", seen, r.said)
		}
	}
	r.CheckTruth()
}

// The control: without guards seats are sold twice, and the checker sees it in what people were told, also when it hears of no hold.
func TestControlSeatsWithoutGuardsAreNotLinearizable(t *testing.T) {
	t.Parallel()
	r := newSeatRace(t, 8, false, guard.HoldOwner, guard.DurableHold, guard.SeatFree, guard.VersionCheck, guard.SeatUnique)
	r.Exec("DROP INDEX one_live_booking_per_seat")
	r.run(16, 4*time.Second, func() map[string]int { return nil })
	r.history.calls = slices.DeleteFunc(r.history.calls, func(o porcupine.Operation) bool { return o.Input.(seatCall).what == "hold" })
	if illegal, _ := r.history.wrong(patienceOfChecker); len(illegal) == 0 {
		t.Error("no guard stands, and what was told of the seats fits an order: the proof proves nothing")
	}
}

// The control: when results are told before the commit, a worker that is killed loses bookings, and the checker sees it.
func TestControlSeatsAcknowledgedBeforeTheCommitAreNotLinearizable(t *testing.T) {
	t.Parallel()
	r := newSeatRace(t, 24, false, guard.CommitFirst)
	r.run(16, 10*time.Second, r.kills)
	if illegal, _ := r.history.wrong(patienceOfChecker); len(illegal) == 0 {
		t.Error("results were told before the commit, workers were killed, and what was told of the seats fits an order: the proof proves nothing")
	}
}

// kills kills both workers as soon as somebody was told of a booking, again and again, until the race is over.
func (r *seatRace) kills() map[string]int {
	n := 0
	booked := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.said["book done"]
	}
	for before := booked(); !r.over(); time.Sleep(time.Millisecond) {
		if booked() == before {
			continue
		}
		for i := range 2 {
			r.Kill("worker", i)
			r.StartRole("worker", i)
		}
		n, before = n+1, booked()
	}
	return map[string]int{"both workers are killed": n}
}
