package apptest

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/booking/payment/stripe/stripetest"
	"usher/internal/id"
)

// cardRace is people who pay by card through a Stripe in trouble, while what is behind the door is killed and taken away.
type cardRace struct {
	*System
	server  *stripetest.Server
	event   string
	tickets chan string   // that nobody has asked for yet
	stop    chan struct{} // closed when nobody begins anything more
	ways    []way
	dead    sync.Mutex // held by whoever wants a process to stay dead

	mu     sync.Mutex // guards all below
	snare  string     // the next request of this call is slow; "": none
	caught chan struct{}
	calm   bool              // nothing goes wrong at Stripe any more
	told   map[string]string // by booking: confirmed or cancelled, which cannot change
	said   map[string]int
	lies   []string // answers that cannot both be true
}

// slowness is how long a slow request takes at Stripe: time enough to kill whoever has asked.
const slowness = 500 * time.Millisecond

// newCardRace starts a system before a Stripe of which one request in eight fails, and one webhook in five is lost, told twice, late, or before the answer.
func newCardRace(t *testing.T, seats int, o Options, forgets bool) *cardRace {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1)) // Stripe asks under its lock
	r := &cardRace{ways: ways, stop: make(chan struct{}), told: map[string]string{}, said: map[string]int{}, tickets: make(chan string, seats)}
	o.Catalog = eventOf(seats)
	r.System, r.server = startStripe(t, o, stripetest.Config{
		Forget: forgets, Delay: slowness,
		Fault: func(call string, _ int) stripetest.Fault {
			if fault, sprung := r.springs(call); sprung {
				return fault
			}
			if random.IntN(8) > 0 {
				return stripetest.Fine
			}
			return stripetest.Fault(1 + random.IntN(int(stripetest.Slow)))
		},
		Hooks: stripetest.Hooks{Post: func(string, int) []time.Duration {
			late := time.Duration(random.IntN(int(200 * time.Millisecond)))
			return [][]time.Duration{nil, {0, late}, {late}, {-1}, {0}}[random.IntN(5)]
		}},
	})
	r.event = r.EventID()
	all, _ := NewFan(t, client, r.Public[0]).Tickets(r.event)
	for _, ticket := range all {
		r.tickets <- ticket
	}
	return r
}

// springs reports whether somebody lies in wait for a call, or nothing is to go wrong.
func (r *cardRace) springs(call string) (f stripetest.Fault, sprung bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.snare != call {
		return stripetest.Fine, r.calm
	}
	r.snare = ""
	close(r.caught)
	return stripetest.Slow, true
}

// during waits until Stripe is in the middle of a call. It carries that call out, after slowness, whatever becomes of who has asked.
func (r *cardRace) during(call string) {
	r.t.Helper()
	caught := make(chan struct{})
	r.mu.Lock()
	r.snare, r.caught = call, caught
	r.mu.Unlock()
	select {
	case <-caught:
	case <-time.After(2 * time.Minute):
		r.t.Fatalf("for two minutes Stripe was not asked to %s anything: nobody pays any more; answers %v", call, r.answers())
	}
}

func (r *cardRace) over() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

func (r *cardRace) answers() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.said)
}

// learns keeps what an answer tells of a booking, if it is an end.
func (r *cardRace) learns(booking string, a Answer) {
	status := a.Str("status")
	if a.Status != http.StatusOK || status != "confirmed" && status != "cancelled" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if before := r.told[booking]; before != "" && before != status {
		r.lies = append(r.lies, fmt.Sprintf("booking %s: told that it is %s, then that it is %s", booking, before, status))
	}
	r.told[booking] = status
}

func (r *cardRace) says(word string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said[word]++
}

// pays tries to pay and waits until it is known what has come of it: a status or a problem.
func (r *cardRace) pays(f *Fan, booking, card string) (end string) {
	var headers []string
	if rand.IntN(2) == 0 {
		headers = []string{"Idempotency-Key", id.NewKey().String()}
	}
	a, ok := patiently(func() Answer {
		return f.Do("POST", "/api/v1/booking/"+booking+"/confirm", map[string]any{"paymentDetails": map[string]any{"method": "stripe", "payment_method": card}}, headers...)
	})
	r.learns(booking, a)
	if ok && (a.Status == http.StatusOK || a.Status == http.StatusAccepted) {
		a = f.Settled(booking, time.Minute)
		r.learns(booking, a)
	}
	return r.ends("pay", a)
}

func (r *cardRace) cancels(f *Fan, booking string) (end string) {
	a, _ := patiently(func() Answer { return f.Do("POST", "/api/v1/booking/"+booking+"/cancel", nil) })
	r.learns(booking, a)
	return r.ends("cancel", a)
}

// ends counts an answer by its status or its problem.
func (r *cardRace) ends(what string, a Answer) (end string) {
	if end = a.Str("status"); a.Problem() != "" {
		end = a.Problem()
	}
	r.says(what + " " + end)
	return end
}

// way is what somebody does with a booking that is reserved until a time.
type way func(r *cardRace, f *Fan, booking string, until time.Time)

var ways = []way{
	func(r *cardRace, f *Fan, booking string, _ time.Time) { r.pays(f, booking, stripetest.OK) },
	func(r *cardRace, f *Fan, booking string, _ time.Time) { // declined, then another card
		if r.pays(f, booking, stripetest.Declined) == "payment-declined" && r.pays(f, booking, stripetest.OK) == "confirmed" {
			r.says("another card")
		}
	},
	func(r *cardRace, f *Fan, booking string, _ time.Time) { // his bank asks him, and he may say no
		if r.pays(f, booking, stripetest.Action) == "reserved" {
			r.pays(f, booking, stripetest.OK)
		}
	},
	func(r *cardRace, f *Fan, booking string, _ time.Time) { // a cancel races the payment
		var both sync.WaitGroup
		defer both.Wait()
		both.Go(func() {
			time.Sleep(rand.N(20 * time.Millisecond))
			r.cancels(f, booking)
		})
		time.Sleep(rand.N(20 * time.Millisecond))
		r.pays(f, booking, stripetest.OK)
	},
	func(r *cardRace, f *Fan, booking string, _ time.Time) { // two tabs with two cards
		var both sync.WaitGroup
		both.Go(func() { r.pays(f, booking, stripetest.Insufficient) })
		r.pays(f, booking, stripetest.OK)
		both.Wait()
	},
	func(r *cardRace, f *Fan, booking string, until time.Time) { // in the last moment, or just too late
		select {
		case <-r.stop:
		case <-time.After(time.Until(until) + rand.N(400*time.Millisecond) - 300*time.Millisecond):
			r.pays(f, booking, stripetest.OK)
		}
	},
	func(*cardRace, *Fan, string, time.Time) {}, // he never pays
}

// buyer buys one seat after the other, each as a new visitor, until the race is over.
func (r *cardRace) buyer(number int) {
	for n := number; !r.over(); n++ {
		var ticket string
		select {
		case ticket = <-r.tickets:
		default:
			return // sold out
		}
		f := &Fan{t: r.t, client: client, Base: r.Public[number%len(r.Public)]}
		a, _ := patiently(func() Answer { return f.Do("POST", "/api/v1/visitors", nil) })
		f.Visitor = a.Str("visitor")
		if a, _ = patiently(func() Answer { return f.Hold(r.event, ticket) }); a.Status/100 != 2 {
			continue
		}
		a, _ = patiently(func() Answer { return f.Book("book", ticket) })
		booking := a.Str("booking_id")
		if a.Status == http.StatusAccepted {
			a = f.Settled(booking, time.Minute)
		}
		until, err := time.Parse(time.RFC3339, a.Str("expiration_time"))
		if a.Str("status") != "reserved" || err != nil {
			continue
		}
		r.ways[n%len(r.ways)](r, f, booking, until)
	}
}

// payers answer their banks, soon or late; every third says no.
func (r *cardRace) payers(done <-chan struct{}) {
	at := map[string]time.Time{}
	for n := 0; ; {
		for _, attempt := range r.server.Asking() {
			if at[attempt].IsZero() {
				at[attempt] = time.Now().Add([]time.Duration{100 * time.Millisecond, 100 * time.Millisecond, 3 * time.Second}[len(at)%3])
			}
			if time.Now().After(at[attempt]) {
				n++
				_ = r.server.Act(attempt, n%3 > 0) // the payment may have been taken back meanwhile
			}
		}
		select {
		case <-done:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kills kills the first process of a role and does something while it is dead. The keeper starts it again.
func (r *cardRace) kills(role string, meanwhile func()) {
	r.t.Helper()
	r.dead.Lock()
	defer r.dead.Unlock()
	r.Kill(role, 0)
	meanwhile()
}

// keeper starts every process that has ended, as whatever runs containers does: one that is started while a store is away ends by itself.
func (r *cardRace) keeper(done <-chan struct{}) {
	roles := map[string]int{"worker": 1, "relay": 1, "gateway": len(r.Public)}
	for {
		r.dead.Lock()
		for role, n := range roles {
			for i := range n {
				select {
				case <-r.process(fmt.Sprintf("%s-%d", role, i)).done:
					r.StartRole(role, i)
				default:
				}
			}
		}
		r.dead.Unlock()
		select {
		case <-done:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// cardFault is something that goes wrong for a time.
type cardFault struct {
	name string
	do   func(r *cardRace)
}

// relayKilled: what it had claimed is free again when it is back, as it is when its leases have run out.
func relayKilled(call string) cardFault {
	return cardFault{"the relay is killed during a " + call, func(r *cardRace) {
		r.during(call)
		r.kills("relay", func() { r.Exec(`UPDATE payment_attempts SET leased_until = now() WHERE NOT settled`) })
	}}
}

func awayDuring(store, call string, lasts time.Duration) cardFault {
	return cardFault{store + " is killed during a " + call, func(r *cardRace) {
		r.during(call)
		r.Stores[store].Kill()
		time.Sleep(lasts)
		r.Stores[store].Start()
	}}
}

// cardFaults come one after the other, each in the middle of a payment. The pauses in them are the faults' rhythm, not waits for an effect.
var cardFaults = []cardFault{
	relayKilled("confirm"),
	{"the worker is killed during a capture, and every reservation has ended when it is back", func(r *cardRace) {
		r.during("capture")
		r.kills("worker", func() { r.Exec(`UPDATE bookings SET expiration_time = now() WHERE status IN ('reserved', 'paying')`) })
	}},
	awayDuring("Kafka", "confirm", 2*time.Second),
	awayDuring("Postgres", "capture", time.Second),
	{"a gateway is killed during a confirm", func(r *cardRace) {
		r.during("confirm")
		r.kills("gateway", func() {})
	}},
	relayKilled("capture"),
	{"connections to Postgres are cut during a capture", func(r *cardRace) {
		r.during("capture")
		r.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	}},
	{"payments are eleven minutes old during a confirm", func(r *cardRace) {
		r.during("confirm")
		r.Exec(`UPDATE payment_attempts SET created_at = created_at - interval '11 minutes' WHERE NOT settled`)
	}},
}

// run lets people pay while faults come one after the other: all of them, and again until it has lasted long enough and has heard what it needs. Then
// it waits until every payment has its end.
func (r *cardRace) run(people int, lasts time.Duration, faults []cardFault, enough func() bool) {
	r.t.Helper()
	settled := make(chan struct{})
	var crowd, banks sync.WaitGroup
	banks.Go(func() { r.payers(settled) })
	banks.Go(func() { r.keeper(settled) })
	for i := range people {
		crowd.Go(func() { r.buyer(i) })
	}
	var once sync.Once
	closing := func() { once.Do(func() { close(r.stop) }) }
	defer banks.Wait()
	defer close(settled)
	defer crowd.Wait()
	defer closing()
	came, began := map[string]int{}, time.Now()
	for len(came) == 0 || time.Since(began) < lasts || !enough() && time.Since(began) < lasts+3*time.Minute {
		for _, f := range faults {
			before := r.count("payment_attempts WHERE settled")
			f.do(r)
			came[f.name]++
			r.goesOn(f.name, before)
		}
	}
	closing()
	r.t.Logf("the faults took %s", time.Since(began).Round(time.Millisecond))
	gone := make(chan struct{})
	go func() { crowd.Wait(); close(gone) }()
	within(r.t, 3*time.Minute, "everybody knows what has come of his payment", func() bool {
		r.passes()
		select {
		case <-gone:
			return true
		case <-time.After(200 * time.Millisecond):
			return false
		}
	})
	within(r.t, 3*time.Minute, "every payment is settled", func() bool {
		r.passes()
		time.Sleep(200 * time.Millisecond)
		return len(r.Query(`SELECT id FROM bookings WHERE status = 'paying'`))+len(r.Query(`SELECT id FROM payment_attempts WHERE NOT settled`)) == 0
	})
	r.mu.Lock()
	r.calm = true
	r.mu.Unlock()
	r.t.Logf("faults %v, answers %v; %d payments, %d intents, %d requests to Stripe, %d webhooks heard",
		came, r.answers(), r.count("payment_attempts"), len(r.server.Intents("")), r.server.Calls(), r.server.Heard())
}

// passes lets a second pass for payments that wait for their next try. Leases run out in time as it is: a busy machine may need them.
func (r *cardRace) passes() {
	r.t.Helper()
	r.Exec(`UPDATE payment_attempts SET next_at = next_at - interval '1 second' WHERE NOT settled`)
}

// goesOn waits until more payments have come to their end than there were before a fault.
func (r *cardRace) goesOn(fault string, before int) {
	r.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); r.count("payment_attempts WHERE settled") <= before; time.Sleep(100 * time.Millisecond) {
		if r.passes(); time.Now().After(deadline) {
			r.t.Fatalf("for two minutes after this no payment has ended: %s; answers %v", fault, r.answers())
		}
	}
}

// count is how many rows there are.
func (r *cardRace) count(from string) (n int) {
	r.t.Helper()
	_, _ = fmt.Sscan(r.Query("SELECT count(*) FROM " + from)[0], &n)
	return n
}

// wrong compares money, tickets, and what people were told: once as `usher audit` does, and once by looking into Stripe.
func (r *cardRace) wrong() (wrong []string) {
	r.t.Helper()
	code, out := r.Audit()
	if code != 0 || !strings.Contains(out, fmt.Sprintf("; %d payments and", r.count("payment_attempts"))) {
		wrong = append(wrong, fmt.Sprintf("usher audit ends with %d:\n%s", code, out))
	}
	taken := map[string]int64{} // by attempt
	for _, i := range r.server.Intents("") {
		taken[i.Metadata["attempt"]] += i.Captured - i.Refunded
		if i.Status == "requires_capture" {
			wrong = append(wrong, fmt.Sprintf("money is blocked: intent %s of attempt %s", i.ID, i.Metadata["attempt"]))
		}
	}
	standing := map[string]string{} // by booking
	for _, row := range r.Query(`SELECT encode(uuid_send(id), 'hex'), status::text, coalesce(encode(uuid_send(attempt_id), 'hex'), '-'), total FROM bookings`) {
		var booking, status, attempt string
		var total int64
		if _, err := fmt.Sscan(row, &booking, &status, &attempt, &total); err != nil {
			r.t.Fatalf("a booking reads %q: %v", row, err)
		}
		if standing[booking] = status; status != "confirmed" {
			continue
		}
		key, err := hex.DecodeString(attempt)
		if err != nil || len(key) != 16 {
			wrong = append(wrong, fmt.Sprintf("a ticket without a payment: booking %s", booking))
			continue
		}
		name := id.Key(key).String()
		if taken[name] != total {
			wrong = append(wrong, fmt.Sprintf("a ticket for %d and a charge of %d: booking %s, attempt %s", total, taken[name], booking, name))
		}
		delete(taken, name)
	}
	for attempt, amount := range taken {
		if amount != 0 {
			wrong = append(wrong, fmt.Sprintf("a charge of %d without a ticket: attempt %s", amount, attempt))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, status := range r.told {
		b, err := id.ParseBooking(name)
		if is := standing[hex.EncodeToString(b.Key[:])]; err != nil || is != status {
			wrong = append(wrong, fmt.Sprintf("somebody was told that booking %s is %s, and it is %q", name, status, is))
		}
	}
	return append(wrong, r.lies...)
}

// TestEveryChargeHasItsTicketThroughEveryFault: people pay by card over the API, decline, cancel, come too late, try another card and press twice, through a Stripe of which
// requests fail and webhooks are lost, doubled and too soon, while relay, worker, a gateway, Kafka and Postgres are killed in the middle of a payment. Then every intent is
// compared with every booking and with what people were told.
func TestEveryChargeHasItsTicketThroughEveryFault(t *testing.T) {
	t.Parallel()
	seats, people, lasts := 1000, 10, time.Duration(0)
	if os.Getenv("USHER_PROVE") != "" {
		seats, people, lasts = 5000, 16, 80*time.Second
	}
	r := newCardRace(t, seats, Options{Gateways: 2, Own: true, Env: map[string]string{"USHER_LEASE": "1s", "USHER_CHECKOUT": "4s"}}, false)
	needs := []string{"pay confirmed", "pay payment-declined", "another card", "cancel cancelled", "cancel booking-not-cancellable"}
	late := "bookings WHERE status = 'confirmed' AND updated_at > expiration_time"
	r.run(people, lasts, cardFaults, func() bool {
		said := r.answers()
		return !slices.ContainsFunc(needs, func(word string) bool { return said[word] == 0 }) && r.count(late) > 0
	})
	for _, wrong := range r.wrong() {
		t.Error(wrong)
	}
	said := r.answers()
	for _, word := range needs {
		if said[word] == 0 {
			t.Errorf("%q did not occur: %v", word, said)
		}
	}
	paid, expired := r.count(late), r.count("bookings WHERE status = 'expired'")
	if paid == 0 || expired == 0 {
		t.Errorf("%d bookings were paid after their end, %d have expired: want some of each", paid, expired)
	}
	t.Logf("%d tickets, %d of them paid after the reservation's end; %d bookings expired", r.count("bookings WHERE status = 'confirmed'"), paid, expired)
}

// The control: a Stripe that forgets its keys, and a relay that dies before it has saved a name. Then money stays blocked or is taken twice, and both views see it. And where
// tickets are lost that people were told of, that is seen too.
func TestControlAStripeThatForgetsItsKeysIsFound(t *testing.T) {
	t.Parallel()
	r := newCardRace(t, 300, Options{}, true)
	r.ways = ways[:2] // a payer whom his bank asks about two intents answers one, and the other waits for minutes
	r.run(6, 0, []cardFault{relayKilled("confirm")}, func() bool {
		charged, twice := map[string]bool{}, false
		for _, i := range r.server.Intents("") {
			if i.Status == "requires_capture" || i.Status == "succeeded" {
				twice = twice || charged[i.Metadata["attempt"]]
				charged[i.Metadata["attempt"]] = true
			}
		}
		return twice && r.answers()["pay confirmed"] > 0
	})
	f := func(damage string, want ...string) {
		t.Helper()
		wrong := r.wrong()
		for _, start := range want {
			if !slices.ContainsFunc(wrong, func(w string) bool { return strings.HasPrefix(w, start) }) {
				t.Errorf("%s, and nothing of what is found begins with %q: the proof proves nothing\n%q", damage, start, wrong)
			}
		}
	}
	twice := "a ticket for "
	if slices.ContainsFunc(r.server.Intents(""), func(i stripetest.Intent) bool { return i.Status == "requires_capture" }) {
		twice = "money is blocked: "
	}
	f("keys are forgotten", "usher audit ends with 3", twice)
	r.Exec(`UPDATE bookings SET status = 'expired', confirmation_id = NULL WHERE status = 'confirmed'`)
	f("tickets are lost", "usher audit ends with 3", "a charge of ", "somebody was told ")
	r.Exec(`UPDATE bookings SET status = 'confirmed', confirmation_id = 'NONE', attempt_id = NULL`)
	f("tickets are given away", "usher audit ends with 3", "a ticket without a payment: ", "a charge of ")
}
