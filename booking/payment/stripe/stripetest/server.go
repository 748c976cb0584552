package stripetest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Key is the secret key that the server takes.
const Key = "sk_test_usher"

// The PaymentMethods that it knows, by what they do: Stripe's own names.
const (
	OK           = "pm_card_visa"
	Declined     = "pm_card_visa_chargeDeclined"
	Insufficient = "pm_card_visa_chargeDeclinedInsufficientFunds"
	Action       = "pm_card_threeDSecure2Required"
)

// Fault is what goes wrong with one request.
type Fault int

// The faults.
const (
	Fine        Fault = iota
	CutBefore         // the connection ends; nothing was done
	CutAfter          // it is done, and the connection ends
	ErrorBefore       // 500, and nothing was done; the key remembers it
	ErrorAfter        // it is done, then 500; the key remembers that
	Busy              // 429: somebody else has the intent
	Slow              // it is done, after Config.Delay
)

// Config sets a server up.
type Config struct {
	// Fault says what goes wrong with the nth request, from 0 on, of a call (create, confirm, capture, cancel, read, search, list, refund). Nil: nothing.
	Fault func(call string, n int) Fault
	Delay time.Duration // of Slow
	Hooks Hooks
	// Forget switches a guard off, for controls: keys are not remembered.
	Forget bool
}

// Intent is a PaymentIntent as the server keeps it.
type Intent struct {
	ID, Status, Currency string
	Amount               int64
	Metadata             map[string]string
	Reason               string // of its cancellation
	Error                *Problem
	Captured, Refunded   int64 // how much; how often it was captured shows when it is more than Amount
	Created              int64
}

// Problem is an error as Stripe words it.
type Problem struct {
	Type        string `json:"type"`
	Code        string `json:"code,omitempty"`
	DeclineCode string `json:"decline_code,omitempty"`
	Message     string `json:"message,omitempty"`
	Param       string `json:"param,omitempty"`
	status      int
	unkept      bool // no key remembers it: nothing was begun
}

// Server is the fake. Make it with New.
type Server struct {
	Config
	URL string

	calls  atomic.Int64
	heard  atomic.Int64 // webhooks
	hooks  sync.WaitGroup
	mu     sync.Mutex // guards all below
	all    map[string]*Intent
	order  []string
	asking map[string]*Intent // by attempt: those that once waited for their payer
	keys   map[string]*kept
	nth    map[string]int // requests of each call, and events
	early  [][]byte       // webhooks that must arrive before the answer to the request that is being carried out
	ended  bool
}

// kept is what a key remembers.
type kept struct {
	request [32]byte
	done    bool
	status  int
	body    []byte
}

// New starts a server that ends with the test.
func New(t testing.TB, c Config) *Server {
	s := &Server{Config: c, all: map[string]*Intent{}, asking: map[string]*Intent{}, keys: map[string]*kept{}, nth: map[string]int{}}
	web := httptest.NewServer(s)
	s.URL = web.URL
	t.Cleanup(func() {
		web.Close()
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.hooks.Wait()
	})
	return s
}

// Calls is how many requests there were.
func (s *Server) Calls() int { return int(s.calls.Load()) }

// Intents returns copies of the intents with the mark, in the order of their making. The empty mark: all.
func (s *Server) Intents(attempt string) (found []Intent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ref := range s.order {
		if i := s.all[ref]; attempt == "" || i.Metadata["attempt"] == attempt {
			found = append(found, *i)
		}
	}
	return found
}

// Change changes an intent behind everybody's back.
func (s *Server) Change(ref string, change func(*Intent)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.all[ref])
}

// ForgetKeys lets a day pass: every key is new.
func (s *Server) ForgetKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.keys)
}

// Age lets every intent be older.
func (s *Server) Age(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.all {
		i.Created -= int64(d.Seconds())
	}
}

// Asking returns the attempts whose payers are asked by their banks.
func (s *Server) Asking() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.asking))
}

// Act answers for the payer whom his bank asks about an attempt.
func (s *Server) Act(attempt string, yes bool) error {
	s.mu.Lock()
	defer s.sooner()
	i := s.asking[attempt]
	delete(s.asking, attempt)
	switch {
	case i == nil || i.Status != "requires_action":
		return fmt.Errorf("no intent of %s waits for its payer", attempt)
	case yes:
		i.Status = "requires_capture"
		s.tell("payment_intent.amount_capturable_updated", i)
	default:
		i.Status, i.Error = "requires_payment_method", &Problem{Type: "invalid_request_error", Code: "payment_intent_authentication_failure"}
		s.tell("payment_intent.payment_failed", i)
	}
	return nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if serveScript(w, r) {
		return
	}
	s.calls.Add(1)
	if r.Header.Get("Authorization") != "Bearer "+Key {
		write(w, 401, encode(401, &Problem{Type: "invalid_request_error", Message: "Invalid API Key provided"}))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if err := r.ParseForm(); err != nil {
		write(w, 400, encode(400, &Problem{Type: "invalid_request_error", Message: err.Error()}))
		return
	}
	call, ref := callOf(r)
	s.mu.Lock()
	fault := Fine
	if s.Fault != nil {
		fault = s.Fault(call, s.nth[call])
	}
	s.nth[call]++
	s.mu.Unlock()
	switch fault {
	case CutBefore:
		panic(http.ErrAbortHandler)
	case Busy:
		write(w, 429, encode(429, &Problem{Type: "invalid_request_error", Code: "lock_timeout"}))
		return
	case Slow:
		time.Sleep(s.Delay)
	}
	status, body, replayed := s.keyed(r, call, ref, fault)
	if fault == CutAfter {
		panic(http.ErrAbortHandler)
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	write(w, status, body)
}

func callOf(r *http.Request) (call, ref string) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	switch {
	case len(path) == 1 && path[0] == "refunds" && r.Method == "POST":
		return "refund", r.PostForm.Get("payment_intent")
	case path[0] != "payment_intents":
		return "", ""
	case len(path) == 1 && r.Method == "POST":
		return "create", ""
	case len(path) == 1:
		return "list", ""
	case len(path) == 2 && path[1] == "search":
		return "search", ""
	case len(path) == 2 && r.Method == "GET":
		return "read", path[1]
	case len(path) == 3 && r.Method == "POST":
		return path[2], path[1]
	}
	return "", ""
}

// keyed does the call, or repeats what its key remembers.
func (s *Server) keyed(r *http.Request, call, ref string, fault Fault) (status int, body []byte, replayed bool) {
	key := r.Header.Get("Idempotency-Key")
	request := sha256.Sum256([]byte(r.URL.Path + "?" + r.PostForm.Encode()))
	s.mu.Lock()
	defer s.sooner()
	var k *kept
	if r.Method == "POST" && key != "" && !s.Forget {
		if k = s.keys[key]; k != nil {
			switch {
			case k.request != request:
				return 400, encode(400, &Problem{Type: "idempotency_error", Message: "Keys for idempotent requests can only be used with the same parameters"}), false
			case !k.done:
				return 409, encode(409, &Problem{Type: "invalid_request_error", Code: "idempotency_key_in_use"}), false
			}
			return k.status, k.body, true
		}
		k = &kept{request: request}
		s.keys[key] = k
		s.mu.Unlock() // others may come meanwhile
		time.Sleep(time.Millisecond)
		s.mu.Lock()
	}
	var answer any
	broken := &Problem{Type: "api_error", Message: "An unknown error occurred", status: 500}
	if fault == ErrorBefore {
		answer = broken
	} else {
		answer = s.do(call, ref, r.Form)
	}
	if fault == ErrorAfter {
		answer = broken
	}
	status = 200
	p, failed := answer.(*Problem)
	if failed {
		status = cmp.Or(p.status, 400)
	}
	body = encode(status, answer)
	switch {
	case k == nil:
	case failed && p.unkept:
		delete(s.keys, key)
	default:
		k.done, k.status, k.body = true, status, body
	}
	return status, body, false
}

func encode(status int, answer any) []byte {
	if p, failed := answer.(*Problem); failed {
		answer = map[string]any{"error": p}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return []byte(`{"error":{"type":"api_error"}}`)
	}
	return body
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_"+strconv.Itoa(status))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// do carries a call out. The caller holds the lock.
func (s *Server) do(call, ref string, form url.Values) any {
	switch call {
	case "create":
		return s.create(form)
	case "search":
		return s.search(form.Get("query"))
	case "list":
		return s.list(form)
	}
	i := s.all[ref]
	if i == nil {
		return &Problem{Type: "invalid_request_error", Code: "resource_missing", Param: "intent", status: 404, unkept: true}
	}
	switch call {
	case "read":
		return view(i)
	case "confirm":
		return s.confirm(i, form)
	case "capture":
		if i.Status != "requires_capture" {
			return unexpected(i)
		}
		i.Status = "succeeded"
		i.Captured += i.Amount
		s.tell("payment_intent.succeeded", i)
		return view(i)
	case "cancel":
		if i.Status == "succeeded" || i.Status == "canceled" {
			return unexpected(i)
		}
		i.Status, i.Reason = "canceled", form.Get("cancellation_reason")
		s.tell("payment_intent.canceled", i)
		return view(i)
	case "refund":
		switch {
		case i.Status != "succeeded":
			return unexpected(i)
		case i.Refunded > 0:
			return &Problem{Type: "invalid_request_error", Code: "charge_already_refunded"}
		}
		i.Refunded += i.Amount
		s.tell("charge.refunded", i)
		return map[string]any{"id": "re_" + i.ID, "object": "refund", "status": "succeeded", "amount": i.Amount, "payment_intent": i.ID}
	}
	return &Problem{Type: "invalid_request_error", Message: "Unrecognized request URL", status: 404, unkept: true}
}

func unexpected(i *Intent) *Problem {
	return &Problem{Type: "invalid_request_error", Code: "payment_intent_unexpected_state", Message: "its status is " + i.Status}
}

func (s *Server) create(form url.Values) any {
	amount, err := strconv.ParseInt(form.Get("amount"), 10, 64)
	switch {
	case err != nil || amount < 1:
		return &Problem{Type: "invalid_request_error", Code: "parameter_invalid_integer", Param: "amount", unkept: true}
	case amount < 50:
		return &Problem{Type: "invalid_request_error", Code: "amount_too_small", Param: "amount", unkept: true}
	case len(form.Get("currency")) != 3 || strings.ToLower(form.Get("currency")) != form.Get("currency"):
		return &Problem{Type: "invalid_request_error", Param: "currency", unkept: true}
	case form.Get("capture_method") != "manual":
		return &Problem{Type: "invalid_request_error", Param: "capture_method", unkept: true}
	}
	i := &Intent{
		ID: fmt.Sprintf("pi_%024d", len(s.all)), Status: "requires_payment_method", Amount: amount, Currency: form.Get("currency"),
		Metadata: map[string]string{}, Created: time.Now().Unix(),
	}
	for name, values := range form {
		if mark, ok := strings.CutPrefix(name, "metadata["); ok {
			i.Metadata[strings.TrimSuffix(mark, "]")] = values[0]
		}
	}
	s.all[i.ID] = i
	s.order = append(s.order, i.ID)
	s.tell("payment_intent.created", i)
	return view(i)
}

func (s *Server) confirm(i *Intent, form url.Values) any {
	if i.Status != "requires_payment_method" {
		return unexpected(i)
	}
	if back, err := url.Parse(form.Get("return_url")); err != nil || !back.IsAbs() {
		return &Problem{Type: "invalid_request_error", Code: "url_invalid", Param: "return_url", unkept: true}
	}
	declined := func(code string) any {
		i.Error = &Problem{Type: "card_error", Code: "card_declined", DeclineCode: code, status: 402}
		s.tell("payment_intent.payment_failed", i)
		return i.Error
	}
	switch form.Get("payment_method") {
	case OK:
		i.Status, i.Error = "requires_capture", nil
		s.tell("payment_intent.amount_capturable_updated", i)
	case Action:
		i.Status, i.Error = "requires_action", nil
		s.asking[i.Metadata["attempt"]] = i
		s.tell("payment_intent.requires_action", i)
	case Declined:
		return declined("generic_decline")
	case Insufficient:
		return declined("insufficient_funds")
	default:
		return &Problem{Type: "invalid_request_error", Code: "resource_missing", Param: "payment_method", unkept: true}
	}
	return view(i)
}

func (s *Server) search(query string) any {
	data := []any{}
	for _, ref := range s.order {
		if i := s.all[ref]; query == "metadata['attempt']:'"+i.Metadata["attempt"]+"'" {
			data = append(data, view(i))
		}
	}
	return map[string]any{"object": "search_result", "url": "/v1/payment_intents/search", "has_more": false, "data": data}
}

// list shows a page of intents, the newest first.
func (s *Server) list(form url.Values) any {
	limit, err := strconv.Atoi(cmp.Or(form.Get("limit"), "10"))
	from, failed := strconv.ParseInt(cmp.Or(form.Get("created[gte]"), "0"), 10, 64)
	if err != nil || limit < 1 || limit > 100 || failed != nil {
		return &Problem{Type: "invalid_request_error", Message: "Invalid integer"}
	}
	end := len(s.order)
	if after := form.Get("starting_after"); after != "" {
		if end = slices.Index(s.order, after); end < 0 {
			return &Problem{Type: "invalid_request_error", Code: "resource_missing", Param: "starting_after"}
		}
	}
	data, more := []any{}, false
	for n := end - 1; n >= 0; n-- {
		if i := s.all[s.order[n]]; i.Created < from {
			continue
		}
		if more = len(data) == limit; more {
			break
		}
		v := view(s.all[s.order[n]])
		if charge, ok := v["latest_charge"].(map[string]any); ok && !slices.Contains(form["expand[0]"], "data.latest_charge") {
			v["latest_charge"] = charge["id"]
		}
		data = append(data, v)
	}
	return map[string]any{"object": "list", "url": "/v1/payment_intents", "has_more": more, "data": data}
}

// view is an intent as the API shows it.
func view(i *Intent) map[string]any {
	v := map[string]any{
		"id": i.ID, "object": "payment_intent", "status": i.Status, "amount": i.Amount, "currency": i.Currency, "created": i.Created,
		"metadata": i.Metadata, "capture_method": "manual", "amount_received": i.Captured,
	}
	if i.Error != nil {
		v["last_payment_error"] = i.Error
	}
	switch i.Status {
	case "requires_action":
		v["next_action"] = map[string]any{"type": "redirect_to_url", "redirect_to_url": map[string]any{"url": "https://bank.example/" + i.ID}}
	case "canceled":
		v["cancellation_reason"] = i.Reason
	case "succeeded", "requires_capture":
		digest := sha256.Sum256([]byte(i.ID))
		v["latest_charge"] = map[string]any{"id": "ch_" + hex.EncodeToString(digest[:8]), "object": "charge", "amount": i.Amount, "amount_refunded": i.Refunded}
	}
	return v
}
