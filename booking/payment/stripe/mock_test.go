package stripe_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/booking/payment"
	"usher/booking/payment/stripe"
	"usher/booking/payment/stripe/stripetest"
	"usher/internal/id"
)

var listening = regexp.MustCompile(`Listening for HTTP at address: (127\.0\.0\.1:\d+)`)

// mock starts Stripe's own stripe-mock, which holds requests to the description of Stripe's API, and answers with samples. It is built from
// a module of its own.
func mock(t *testing.T) (address string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "stripe-mock")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/stripe/stripe-mock")
	build.Dir = "mock"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build stripe-mock: %v\n%s", err, out)
	}
	server := exec.CommandContext(t.Context(), program, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	server.Stderr = server.Stdout
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }() // until it is killed
			return found[1]
		}
	}
	t.Fatal("stripe-mock ended without listening")
	return ""
}

// exchange is one request with the answers to it: of our server, and of stripe-mock.
type exchange struct {
	request, body string
	ours, theirs  []byte
	status        int // of theirs
}

// witness stands before our server and shows each request to stripe-mock as well.
type witness struct {
	next    *httputil.ReverseProxy
	address string

	mu   sync.Mutex // guards seen
	seen []exchange
}

func (w *witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(out, err.Error(), 500)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	record := httptest.NewRecorder()
	w.next.ServeHTTP(record, r)
	x := exchange{request: r.Method + " " + r.URL.RequestURI(), body: string(body), ours: record.Body.Bytes()}
	if x.status, x.theirs, err = show(r, w.address, body); err != nil {
		x.theirs = []byte(err.Error())
	}
	w.mu.Lock()
	w.seen = append(w.seen, x)
	w.mu.Unlock()
	for name, values := range record.Header() {
		out.Header()[name] = values
	}
	out.WriteHeader(record.Code)
	_, _ = out.Write(x.ours)
}

func show(r *http.Request, address string, body []byte) (status int, answer []byte, err error) {
	copied, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+address+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	copied.Header = r.Header.Clone()
	got, err := http.DefaultClient.Do(copied)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = got.Body.Close() }()
	answer, err = io.ReadAll(got.Body)
	return got.StatusCode, answer, err
}

// Each request that the provider makes, in all that can come of a charge, is one that Stripe's description allows; and what our server
// answers has no member that Stripe's answer has not.
func TestRequestsAndAnswersAreOfStripesShape(t *testing.T) {
	t.Parallel()
	address := mock(t)
	server := stripetest.New(t, stripetest.Config{})
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{next: httputil.NewSingleHostReverseProxy(at), address: address}
	front := httptest.NewServer(w)
	defer front.Close()
	p, err := stripe.New(stripe.Config{Key: stripetest.Key, URL: front.URL, Return: func(id.Booking) string { return "https://tickets.example/" }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	paid, voids, refuses := charge(stripetest.OK), charge(stripetest.OK), charge(stripetest.Action)
	want(t, payment.Authorised, "")(p.Authorise(ctx, paid))
	want(t, payment.Captured, "")(p.Capture(ctx, paid))
	want(t, payment.Refunded, "")(p.Refund(ctx, paid))
	want(t, payment.Voided, "")(p.Void(ctx, voids))
	want(t, payment.Declined, "insufficient_funds")(p.Authorise(ctx, charge(stripetest.Insufficient)))
	want(t, payment.ActionRequired, "")(p.Authorise(ctx, refuses))
	if err := server.Act(refuses.Attempt.String(), false); err != nil {
		t.Fatal(err)
	}
	want(t, payment.Declined, "action_refused")(p.Ask(ctx, refuses))
	paid.Age = 30 * time.Hour
	want(t, payment.Refunded, "")(p.Ask(ctx, paid)) // by a search
	records := 0
	for _, err := range p.Books().Since(ctx, time.Now().Add(-time.Hour)) {
		if records++; err != nil {
			t.Error(err)
		}
	}
	if records != 4 {
		t.Errorf("%d records in the books", records)
	}
	calls := map[string]bool{}
	for _, x := range w.seen {
		path := strings.Split(strings.SplitN(x.request, "?", 2)[0], "/")
		if len(path) > 3 && strings.HasPrefix(path[3], "pi_") {
			path[3] = "{intent}"
		}
		calls[strings.Join(path, "/")] = true
		if x.status != 200 {
			t.Errorf("%s %s: stripe-mock answers %d\n%s", x.request, x.body, x.status, x.theirs)
		}
		for _, strange := range strangers(x.ours, x.theirs) {
			t.Errorf("%s: our answer has %s, Stripe's has not", x.request, strange)
		}
	}
	for _, call := range []string{
		"POST /v1/payment_intents", "GET /v1/payment_intents/{intent}", "GET /v1/payment_intents/search", "GET /v1/payment_intents", "POST /v1/payment_intents/{intent}/confirm",
		"POST /v1/payment_intents/{intent}/capture", "POST /v1/payment_intents/{intent}/cancel", "POST /v1/refunds",
	} {
		if !calls[call] {
			t.Errorf("%s was not called", call)
		}
	}
	// the control: what Stripe does not know is refused, and seen
	for _, bad := range []string{"amount=700&currency=eur&amounts=1", "amount=many&currency=eur", "amount=700&currency=eur&capture_method=sometimes", "amount=700"} {
		r := httptest.NewRequest("POST", "/v1/payment_intents", nil).WithContext(ctx)
		r.Header.Set("Authorization", "Bearer "+stripetest.Key)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if status, _, err := show(r, address, []byte(bad)); err != nil || status != 400 {
			t.Errorf("%s: stripe-mock answers %d, %v", bad, status, err)
		}
	}
	if got := strangers([]byte(`{"id":"x","amount":"7","stat":1}`), []byte(`{"id":"y","amount":7,"status":"ok"}`)); !slices.Equal(got, []string{"amount as string", "stat"}) {
		t.Errorf("strangers %q", got)
	}
}

// strangers names the members of our answer that theirs lacks, or has in another type. Errors are not compared: samples never fail.
func strangers(ours, theirs []byte) (names []string) {
	var a, b map[string]any
	if json.Unmarshal(ours, &a) != nil || json.Unmarshal(theirs, &b) != nil || a["error"] != nil {
		return nil
	}
	for name, value := range a {
		other, known := b[name]
		switch {
		case !known:
			names = append(names, name)
		case other != nil && value != nil && fmt.Sprintf("%T", value) != fmt.Sprintf("%T", other):
			names = append(names, name+" as "+fmt.Sprintf("%T", value))
		}
	}
	slices.Sort(names)
	return names
}
