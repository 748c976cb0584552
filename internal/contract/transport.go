package contract

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"usher/gateway/openapi"
)

// maxComplaints bounds what a transport remembers: the first ones tell.
const maxComplaints = 50

// Transport checks every answer that passes through it, of both ports. Requests that get no answer are no matter of the contract.
type Transport struct {
	base          http.RoundTripper
	public, admin *Checker

	mu         sync.Mutex // guards the rest
	adminHosts map[string]bool
	complaints []string
	more       int            // complaints beyond maxComplaints
	slugs      map[string]int // problems by name
	answers    map[string]int // by "operation status"
}

// NewTransport returns a transport over base; nil is http.DefaultTransport.
func NewTransport(base http.RoundTripper) (*Transport, error) {
	if base == nil {
		base = http.DefaultTransport
	}
	t := &Transport{base: base, slugs: map[string]int{}, answers: map[string]int{}, adminHosts: map[string]bool{}}
	var err error
	if t.public, err = New(openapi.Public); err != nil {
		return nil, fmt.Errorf("public: %w", err)
	}
	if t.admin, err = New(openapi.Admin); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	return t, nil
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if streams(resp) && r.Method != http.MethodHead { // its head is checked now, and each event as it comes
		t.Note(r.Method, r.URL.EscapedPath(), resp, nil)
		resp.Body = t.follow(r.Method, r.URL.EscapedPath(), resp.Body)
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	if closing := resp.Body.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	t.mu.Lock()
	admin := t.adminHosts[r.URL.Host]
	t.mu.Unlock()
	if admin {
		t.note(t.admin, r.Method, r.URL.EscapedPath(), resp, body)
	} else {
		t.Note(r.Method, r.URL.EscapedPath(), resp, body)
	}
	return resp, nil
}

// AdminAt says that a host and port is an admin port: whatever comes from it is held to the admin document. Of other answers the path
// says which port they are of.
func (t *Transport) AdminAt(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.adminHosts[host] = true
}

// PublicAt says that a host and port is a public one: it may have been an admin port of a server that is gone.
func (t *Transport) PublicAt(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.adminHosts, host)
}

// Note checks an answer that came another way, such as over a raw connection.
func (t *Transport) Note(method, path string, resp *http.Response, body []byte) {
	if method == "" {
		method = http.MethodGet
	}
	c := t.checker(method, path)
	if resp.StatusCode == http.StatusNotFound && slug(body) == "not-found" {
		c = t.public // which has nothing at the paths of the admin port
	}
	t.note(c, method, path, resp, body)
}

func (t *Transport) note(c *Checker, method, path string, resp *http.Response, body []byte) {
	err := c.Check(method, path, resp.StatusCode, resp.Header, body)
	operation := c.Operation(method, path)
	t.mu.Lock()
	defer t.mu.Unlock()
	if operation != "" {
		t.answers[fmt.Sprintf("%s %d", operation, resp.StatusCode)]++
	}
	if s := slug(body); s != "" {
		t.slugs[s]++
	}
	t.complain(err)
}

// complain keeps what the contract does not allow. The caller holds mu.
func (t *Transport) complain(err error) {
	if err == nil {
		return
	}
	if len(t.complaints) == maxComplaints {
		t.more++
		return
	}
	t.complaints = append(t.complaints, err.Error())
}

// checker is of the port that a path is of. Those that both ports have mean the same on both.
func (t *Transport) checker(method, path string) *Checker {
	if strings.HasPrefix(path, "/admin/") || (t.admin.Operation(method, path) != "" && t.public.Operation(method, path) == "") {
		return t.admin
	}
	return t.public
}

// Complaints returns what the contract does not allow, as far as it was seen.
func (t *Transport) Complaints() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := slices.Clone(t.complaints)
	if t.more > 0 {
		out = append(out, fmt.Sprintf("and %d more", t.more))
	}
	return out
}

// Problems returns how often each problem was seen.
func (t *Transport) Problems() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.slugs)
}

// Answers returns how often each operation gave each status: "GET /api/v1/rooms/{room} 200".
func (t *Transport) Answers() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.answers)
}
