package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	sendTime    = 15 * time.Second // for a whole delivery: the standard advises 15 to 30 s
	connectTime = 5 * time.Second
	maxAnswer   = 4 << 10  // bytes of an answer that are read; only its status counts
	maxHeaders  = 16 << 10 // bytes of its headers
	maxError    = 200      // bytes of an error that are kept
)

// private are networks that are nobody's, somebody's own, or lead to one: what Go's own tests do not name. The list follows the registries of
// special-purpose addresses of IANA (RFC 6890).
var private = func() (out []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96",          // old ways to write IPv4 addresses
		"64:ff9b::/96",   // an IPv4 address behind a translator
		"64:ff9b:1::/48", // likewise, of a site's own
		"100::/64",       // discarded
		"2001::/23",      // Teredo, which carries an IPv4 address, and other protocols
		"2001:db8::/32",  // documentation
		"2002::/16",      // 6to4, which carries an IPv4 address
		"3fff::/20",      // documentation
		"5f00::/16",      // segment routing
		"fec0::/10",      // once private
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

// public reports whether an address is one of the Internet. An IPv4 address that is written as IPv6 is judged as what it is.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range private {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// errPrivate says that a name or an address leads to where no webhook may go.
var errPrivate = errors.New("the address is not one of the public Internet")

// refusedError says that a receiver answered, and not that it took the message.
type refusedError struct {
	status int
	after  time.Duration // that it wants to be left alone; 0: it does not say
}

func (e *refusedError) Error() string { return "answered " + strconv.Itoa(e.status) }

// gone reports whether the receiver wants no more messages at all.
func gone(err error) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.status == http.StatusGone
}

// Client delivers messages. What an organiser names is not to be believed: the address is checked when the connection is made, after the name was looked up,
// so that no answer of a name server leads to what is private; redirects are not followed, no proxy is asked, and of an answer little is read.
type Client struct {
	http     *http.Client
	insecure bool
}

// NewClient returns a client. insecure allows http and private addresses: for development only.
func NewClient(insecure bool) *Client { return newClient(insecure, public, nil, nil) }

// newClient lets tests say which addresses are public, who answers for names, and whose certificates count.
func newClient(insecure bool, public func(netip.Addr) bool, names *net.Resolver, roots *x509.CertPool) *Client {
	dialer := &net.Dialer{
		Timeout: connectTime, KeepAlive: -1, Resolver: names,
		Control: func(_, address string, _ syscall.RawConn) error { // of the very address that is connected to
			at, err := netip.ParseAddrPort(address)
			if err != nil || !insecure && !public(at.Addr()) {
				return errPrivate
			}
			return nil
		},
	}
	return &Client{insecure: insecure, http: &http.Client{
		Timeout:       sendTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, TLSHandshakeTimeout: connectTime,
			MaxIdleConnsPerHost: 2, MaxIdleConns: 2 * MaxWebhooks, MaxConnsPerHost: 2 * atOnce, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: maxHeaders,
			DisableCompression: true, Proxy: nil,
		},
	}}
}

// checkURL says what is wrong with the address of a receiver; "" when nothing is. Names are not looked up: that is done at each delivery.
func checkURL(text string, insecure bool) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > MaxURL || u.Host == "" || u.Hostname() == "" || u.Opaque != "" {
		return fmt.Sprintf("want an address such as https://example.org/usher, of at most %d bytes", MaxURL)
	}
	if u.Scheme != "https" && (!insecure || u.Scheme != "http") {
		return "want https"
	}
	if u.User != nil || u.Fragment != "" {
		return "want neither a user nor a fragment: messages are signed instead"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || n < 1024 && n != 443 && !insecure {
			return "want port 443, or one from 1024 on"
		}
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !insecure && !public(a) {
		return errPrivate.Error()
	}
	return ""
}

// send delivers one message. An error means that it was not taken, or that nobody knows.
func (c *Client) send(ctx context.Context, w *Webhook, message string, at time.Time, body []byte) error {
	if wrong := checkURL(w.URL, c.insecure); wrong != "" { // it was stored under other rules
		return errors.New(wrong)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Usher-Webhook/1")
	r.Header.Set("webhook-id", message)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", signatures(w.Secrets, message, at, body))
	answer, err := c.http.Do(r)
	if err != nil {
		return plain(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection can be used again
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return nil
	}
	seconds, _ := strconv.ParseUint(answer.Header.Get("Retry-After"), 10, 31)
	return &refusedError{answer.StatusCode, time.Duration(seconds) * time.Second}
}

// plain is an error without the URL, which may hold a secret of the receiver.
func plain(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	return err
}

// clip words an error for the operator.
func clip(err error) string {
	text := strings.ToValidUTF8(err.Error(), "?")
	if len(text) > maxError {
		text = strings.ToValidUTF8(text[:maxError], "")
	}
	return text
}
