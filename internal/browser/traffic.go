package browser

import (
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// traffic is what one document loaded.
type traffic struct {
	loader   cdp.LoaderID
	requests []*Request // in the order in which they were sent
	painted  float64    // first contentful paint, monotonic seconds; 0: not yet
	idle     bool       // loaded, and hardly anything on the wire for half a second
	touched  bool       // the fan has done something to it
	shift    float64    // sum of the layout shifts before that
	shifts   []string   // what moved from where to where
}

// Request is one request of a page.
type Request struct {
	URL      string
	Kind     string // Document, Stylesheet, Script, Image, Font, Fetch, EventSource, …
	Bytes    int    // on the wire, with headers, as compressed as they came
	Blocking bool   // the browser paints nothing before its answer
	id       network.RequestID
	sent     float64 // monotonic seconds
	finished bool
}

const maxPages = 50 // of which one tab remembers the traffic

// carry notes what the network does. The caller holds mu.
func (w *watch) carry(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.sent(e)
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			w.complain("answer %d: %s", e.Response.Status, e.Response.URL)
		}
	case *network.EventLoadingFinished:
		if r := w.request(e.RequestID); r != nil {
			r.Bytes, r.finished = int(e.EncodedDataLength), true
		}
	case *network.EventLoadingFailed:
		r := w.request(e.RequestID)
		if r == nil {
			return
		}
		r.finished = true
		// A page that is left drops what it was waiting for. With scripts off, scripts are refused by what looks like a policy; a real
		// violation of the page's policy stands in the log as well.
		scriptless := w.noScript && e.BlockedReason == network.BlockedReasonCsp
		if !scriptless && !e.Canceled && e.ErrorText != "net::ERR_ABORTED" && !w.offline {
			w.complain("request failed: %s: %s %s", r.URL, e.ErrorText, e.BlockedReason)
		}
	}
}

func (w *watch) sent(e *network.EventRequestWillBeSent) {
	if strings.HasPrefix(e.Request.URL, "data:") { // nothing that travels: an icon in a style sheet, or the browser's own
		return
	}
	p := w.of(e.LoaderID)
	if p == nil {
		p = &traffic{loader: e.LoaderID}
		if w.pages = append(w.pages, p); len(w.pages) > maxPages {
			w.pages = w.pages[1:]
		}
	}
	if r := w.request(e.RequestID); r != nil { // redirected: the same request goes on
		r.URL = e.Request.URL
		return
	}
	blocking := e.RenderBlockingBehavior == network.RenderBlockingBehaviorBlocking
	p.requests = append(p.requests, &Request{
		URL: e.Request.URL, Kind: string(e.Type), Blocking: blocking, id: e.RequestID, sent: e.Timestamp.Float64()})
}

func (w *watch) request(name network.RequestID) *Request {
	for _, p := range w.pages {
		for _, r := range p.requests {
			if r.id == name {
				return r
			}
		}
	}
	return nil
}

// unsettled says what the document that is shown still lacks: to be painted, or something that it is made of; "": nothing. Streams and polls go
// on for ever.
func (w *watch) unsettled() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.of(w.loader)
	if p == nil {
		return "nothing was asked for"
	}
	for _, r := range p.requests {
		if !r.finished && r.Kind != string(network.ResourceTypeEventSource) && r.Kind != string(network.ResourceTypeFetch) {
			return "there is no answer to " + r.Kind + " " + r.URL
		}
	}
	switch {
	case p.painted == 0:
		return "it was not painted, though all that it asked for was answered"
	case !p.idle:
		return "it still asks for things"
	}
	return ""
}

// shown copies what is known of the document that is shown.
func (w *watch) shown() (p traffic, requests []Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if found := w.of(w.loader); found != nil {
		p = *found
		for _, r := range found.requests {
			requests = append(requests, *r)
		}
	}
	return p, requests
}
