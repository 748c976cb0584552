package webhook

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func secretBytes(t *testing.T, text string) []byte {
	t.Helper()
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:1.1.1.1"} {
		if !public(netip.MustParseAddr(a)) {
			t.Errorf("%s is not public", a)
		}
	}
	for _, a := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "192.0.0.170", "192.0.2.1", "198.18.0.1",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
		"fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1", "2606:4700::1%eth0",
	} {
		if public(netip.MustParseAddr(a)) {
			t.Errorf("%s is public", a)
		}
	}
}

func TestAddressesOfReceivers(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://example.org", "https://example.org/usher?x=1", "https://example.org:443/", "https://example.org:8443/", "https://1.1.1.1/", "https://[2606:4700:4700::1111]/"} {
		if wrong := checkURL(good, false); wrong != "" {
			t.Errorf("%s: %s", good, wrong)
		}
	}
	for _, bad := range []string{
		"", "example.org", "//example.org", "https:", "https:///x", "https:example.org", "http://example.org", "ftp://example.org", "https://u:p@example.org", "https://example.org/#x", "https://example.org:25/",
		"https://example.org:22", "https://example.org:0", "https://example.org:99999", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest/", "https://exa mple.org",
		"https://:8443/", "https://example.org/" + strings.Repeat("x", MaxURL), "https://[fe80::1%25eth0]/", "\x00",
	} {
		if checkURL(bad, false) == "" {
			t.Errorf("%s is accepted", bad)
		}
	}
	if wrong := checkURL("http://localhost:80/x", true); wrong != "" {
		t.Errorf("in development: %s", wrong)
	}
}

// receiver counts requests and answers them as a test says.
func receiver(t *testing.T, answer http.HandlerFunc) (s *httptest.Server, hits *atomic.Int64, roots *x509.CertPool) {
	t.Helper()
	hits = &atomic.Int64{}
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, hits, roots
}

func anywhere(netip.Addr) bool { return true }

func sent(t *testing.T, c *Client, url string) error {
	t.Helper()
	return c.send(t.Context(), &Webhook{URL: url, Secrets: [][]byte{{1}}}, "msg_1", time.Now(), []byte("{}"))
}

// A client that would go there is the control of each.
func TestNothingPrivateIsReached(t *testing.T) {
	t.Parallel()
	s, hits, roots := receiver(t, func(http.ResponseWriter, *http.Request) {})
	guarded, control := newClient(false, public, nil, roots), newClient(false, anywhere, nil, roots)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	url := "https://localhost:" + port // a name, so that only the connection can be refused
	if err := sent(t, guarded, url); !errors.Is(err, errPrivate) || hits.Load() != 0 {
		t.Errorf("%v, %d requests", err, hits.Load())
	}
	if err := sent(t, guarded, s.URL); err == nil || hits.Load() != 0 { // stored before the rule was
		t.Errorf("%v, %d requests", err, hits.Load())
	}
	// The certificate is not for localhost, so the control does not deliver; that it connects is what matters.
	if err := sent(t, control, url); err == nil || errors.Is(err, errPrivate) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the control: %v", err)
	}
}

// names answers every question for an IPv4 address with the addresses in turn, and has none of the other kind.
func names(t *testing.T, addresses ...[4]byte) *net.Resolver {
	t.Helper()
	var asked atomic.Int64
	serve := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		for {
			head := make([]byte, 2)
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			question := make([]byte, binary.BigEndian.Uint16(head))
			var m dnsmessage.Message
			if _, err := io.ReadFull(c, question); err != nil || m.Unpack(question) != nil || len(m.Questions) != 1 {
				return
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				a := addresses[(asked.Add(1)-1)%int64(len(addresses))]
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: a}}}
			}
			answer, err := m.Pack()
			if err != nil {
				return
			}
			if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
				return
			}
		}
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serve(theirs)
		return ours, nil
	}}
}

// A name that leads to a public address first and to a private one later is the attack that a check before the connection does not see. Here 127.0.0.1
// stands for the public address and 127.0.0.2 for the private one.
func TestANameThatChangesItsMindIsNotFollowed(t *testing.T) {
	t.Parallel()
	s, hits, roots := receiver(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	inside, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inside.Close() }()
	var reached atomic.Int64
	go func() {
		for {
			c, err := inside.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = c.Close()
		}
	}()
	first, second := [4]byte{127, 0, 0, 1}, [4]byte{127, 0, 0, 2}
	only := func(a netip.Addr) bool { return a == netip.AddrFrom4(first) }
	url := "https://example.com:" + port // the name of the certificate
	f := func(c *Client) error {
		t.Helper()
		if err := sent(t, c, url); err != nil {
			t.Errorf("the first: %v", err)
		}
		c.http.CloseIdleConnections()
		return sent(t, c, url)
	}
	if err := f(newClient(false, only, names(t, first, second), roots)); !errors.Is(err, errPrivate) || reached.Load() != 0 || hits.Load() != 1 {
		t.Errorf("the second: %v, %d connections to the private address, %d requests", err, reached.Load(), hits.Load())
	}
	if err := f(newClient(false, anywhere, names(t, first, second), roots)); errors.Is(err, errPrivate) || reached.Load() == 0 {
		t.Errorf("the control: %v, %d connections", err, reached.Load())
	}
}

func TestAReceiverLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	inside, reached, _ := receiver(t, func(http.ResponseWriter, *http.Request) {})
	for _, status := range []int{301, 302, 303, 307, 308} {
		s, hits, roots := receiver(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, status) })
		c := newClient(false, anywhere, names(t, [4]byte{127, 0, 0, 1}), roots)
		var refused *refusedError
		if err := sent(t, c, strings.Replace(s.URL, "127.0.0.1", "example.com", 1)); !errors.As(err, &refused) || refused.status != status || hits.Load() != 1 {
			t.Errorf("%d: %v, %d requests", status, err, hits.Load())
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d redirects were followed", reached.Load())
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	f := func(answer http.HandlerFunc, want string) {
		t.Helper()
		s, _, roots := receiver(t, answer)
		c := newClient(false, anywhere, names(t, [4]byte{127, 0, 0, 1}), roots)
		c.http.Timeout = 2 * time.Second
		err := sent(t, c, strings.Replace(s.URL, "127.0.0.1", "example.com", 1))
		if (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "example.com:")) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "")
	f(func(w http.ResponseWriter, r *http.Request) { // without end
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}, "")
	f(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 2*maxHeaders)) }, "exceeded")
	f(func(_ http.ResponseWriter, r *http.Request) { // never
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // to return would answer 200, which the client may read while it closes
	}, "Client.Timeout")
	f(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(500)
	}, "answered 500")
}
