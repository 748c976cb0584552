package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"usher/internal/id"
)

// benchPatience bounds one call.
const benchPatience = 30 * time.Second

// fan is a visitor with what he shows.
type fan struct{ visitor, place, pass string }

// answer is what came of a call; its body is a copy.
type answer struct {
	status int
	body   []byte
}

// read takes an answer of a status that was wanted apart, and makes an error of another.
func (a answer) read(err error, into any, want ...int) error {
	if err != nil {
		return err
	}
	if !slices.Contains(want, a.status) {
		return fmt.Errorf("answered %d %.200s", a.status, a.body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(a.body, into)
}

// ask makes one call to the gateway of a design. fasthttp's client takes a third of the processor time of net/http's: here it is the cores of what is measured.
func (s *benchSystem) ask(design, method, path string, f fan, body []byte) (a answer, err error) {
	request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(request)
	defer fasthttp.ReleaseResponse(response)
	request.Header.SetMethod(method)
	request.SetRequestURI("http://" + s.desks[design].Addr + path)
	if body != nil {
		request.Header.SetContentType("application/json")
		request.SetBodyRaw(body)
	}
	for name, value := range map[string]string{"Usher-Visitor": f.visitor, "Usher-Place": f.place} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if f.pass != "" {
		request.Header.Set("Authorization", "Bearer "+f.pass)
	}
	if err := s.desks[design].Do(request, response); err != nil {
		return a, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return answer{response.StatusCode(), bytes.Clone(response.Body())}, nil
}

// hold goes for two seats side by side.
func (s *benchSystem) hold(design string, f fan, e id.Event, seat int) (answer, error) {
	return s.ask(design, http.MethodPost, "/api/v1/events/"+e.String()+"/holds", f, pairOf(e, seat))
}

// book books them.
func (s *benchSystem) book(design string, f fan, e id.Event, seat int) (answer, error) {
	return s.ask(design, http.MethodPost, "/api/v1/booking", f, pairOf(e, seat))
}

func pairOf(e id.Event, seat int) []byte {
	return fmt.Appendf(nil, `{"ticketIds":[%q,%q]}`, e.Ticket(seat), e.Ticket(seat+1))
}

// made is a booking as it is answered.
type made struct {
	ID     string `json:"booking_id"`
	Status string `json:"status"`
}

// reserved waits until a booking that was answered with 202 is decided for its owner.
func (s *benchSystem) reserved(f fan, a answer) error {
	var pending made
	if err := a.read(nil, &pending, http.StatusAccepted); err != nil {
		return err
	}
	return s.settled(f, pending.ID, "reserved")
}

// settled asks for a booking that is under way until it has the status that is wanted.
func (s *benchSystem) settled(f fan, booking, want string) error {
	for deadline := time.Now().Add(benchPatience); ; time.Sleep(20 * time.Millisecond) {
		var now made
		a, err := s.ask(ours, http.MethodGet, "/api/v1/booking/"+booking, f, nil)
		if err := a.read(err, &now, http.StatusOK, http.StatusServiceUnavailable); err != nil {
			return err
		}
		if now.Status == want {
			return nil
		}
		if now.Status == "failed" {
			return fmt.Errorf("booking %s has failed", booking)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("booking %s is %s after %s, not %s", booking, now.Status, benchPatience, want)
		}
	}
}

// patiently calls again a moment later while the answer is that too many calls are under way, and counts how often.
func patiently(busy *atomic.Int64, call func() (answer, error), want ...int) (answer, error) {
	for {
		a, err := call()
		if err == nil && a.status == http.StatusServiceUnavailable && bytes.Contains(a.body, []byte("/problems/overloaded")) {
			busy.Add(1)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		return a, a.read(err, nil, want...)
	}
}

// each does n things with so many clients at once.
func each(b *testing.B, clients, n int, do func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// arrive begins n things at a fixed rate, whatever becomes of those before, and waits for all. do is told when its turn was due: what it waits beyond that
// counts as latency.
func arrive(n int, perSecond float64, do func(i int, due time.Time)) {
	began := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		due := began.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
		time.Sleep(time.Until(due))
		wg.Go(func() { do(i, due) })
	}
	wg.Wait()
}

// times are latencies that many goroutines add to.
type times struct {
	mu  sync.Mutex // guards all
	all []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// ms is a quantile, 0 to 1, in milliseconds; 0 when there are none.
func (t *times) ms(q float64) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		return 0
	}
	slices.Sort(t.all)
	return float64(t.all[max(0, int(math.Ceil(q*float64(len(t.all))))-1)].Microseconds()) / 1000
}

func (t *times) String() string {
	return fmt.Sprintf("p50 %.1f, p99 %.1f, longest %.1f ms of %d", t.ms(0.5), t.ms(0.99), t.ms(1), len(t.all))
}

// statuses counts answers.
type statuses struct {
	mu sync.Mutex // guards all
	by map[string]int
}

func (s *statuses) add(call string, a answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]int{}
	}
	what := strconv.Itoa(a.status)
	if err != nil {
		what = "no answer"
	}
	s.by[call+" "+what]++
}

// faults are 5xx, and calls without an answer.
func (s *statuses) faults() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, count := range s.by {
		if strings.Contains(what, " 5") || strings.HasSuffix(what, "no answer") {
			n += count
		}
	}
	return n
}

func (s *statuses) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.by)
}

// cpuTime is processor time so far, by process; neighbours is all that the machine has spent on anything else.
type cpuTime map[string]time.Duration

// jiffies a second, in which Linux counts the time of a process.
const jiffies = 100

func (s *benchSystem) cpuTime() cpuTime {
	u := cpuTime{"neighbours": machineTime(), "postgres": treeTime(s.postgres)}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err == nil {
		u["client"] = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	}
	for name, pid := range s.pids {
		u[name], _ = processTime(pid)
	}
	for name, spent := range u {
		if name != "neighbours" {
			u["neighbours"] -= spent
		}
	}
	return u
}

// since is the time spent since before.
func (u cpuTime) since(before cpuTime) cpuTime {
	out := cpuTime{}
	for name := range u {
		out[name] = u[name] - before[name]
	}
	return out
}

// system is what the system spent: neither the client nor the neighbours.
func (u cpuTime) system() (sum time.Duration) {
	for name, spent := range u {
		if name != "client" && name != "neighbours" {
			sum += spent
		}
	}
	return sum
}

func (u cpuTime) String() string {
	var out strings.Builder
	out.WriteString("processor ms:")
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if spent := u[name].Milliseconds(); spent >= 5 {
			fmt.Fprintf(&out, " %s %d", name, spent)
		}
	}
	return out.String()
}

// processTime reads what a process has spent by itself, and with the children that it has waited for; 0 where there is none.
func processTime(pid int) (own, all time.Duration) {
	fields := statOf(pid)
	if len(fields) < 15 {
		return 0, 0
	}
	own = ticksOf(fields[11]) + ticksOf(fields[12])
	return own, own + ticksOf(fields[13]) + ticksOf(fields[14])
}

// statOf are the fields of a process' stat from its state on; its parent is the second.
func statOf(pid int) []string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name before may hold anything
	return strings.Fields(after)
}

// treeTime is what a server with a process for each connection has spent in all.
func treeTime(pid int) time.Duration {
	_, sum := processTime(pid)
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if fields := statOf(child); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			_, spent := processTime(child)
			sum += spent
		}
	}
	return sum
}

// machineTime is what all cores have worked so far: user, nice, system, irq, softirq.
func machineTime() (sum time.Duration) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	for _, i := range []int{1, 2, 3, 6, 7} {
		if i < len(fields) {
			sum += ticksOf(fields[i])
		}
	}
	return sum
}

func ticksOf(text string) time.Duration {
	n, _ := strconv.ParseInt(text, 10, 64)
	return time.Duration(n) * time.Second / jiffies
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
