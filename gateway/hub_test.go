package gateway

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/internal/id"
)

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

func loopback(t *testing.T) []*net.IPNet {
	t.Helper()
	_, n, err := net.ParseCIDR("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return []*net.IPNet{n}
}

// pipe is a connection whose client reads when the test says so.
type pipe struct {
	net.Conn
	stuck   chan struct{} // nil: it reads everything; else a write waits until it is closed, or until its deadline
	entered chan struct{} // a write has begun to wait

	mu       sync.Mutex // guards the rest
	deadline time.Time
	got      strings.Builder
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	return nil
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck != nil {
		timer := time.NewTimer(time.Until(p.deadline))
		defer timer.Stop()
		select {
		case p.entered <- struct{}{}:
		default:
		}
		p.mu.Unlock()
		select {
		case <-p.stuck:
			p.mu.Lock()
		case <-timer.C:
			p.mu.Lock()
			p.got.Write(b[:1]) // a part of it fits
			return 1, os.ErrDeadlineExceeded
		}
	}
	p.got.Write(b)
	return len(b), nil
}

func (p *pipe) Close() error { return nil }

func (p *pipe) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got.String()
}

// quietHub is a hub of the live seats that a test moves by hand.
func quietHub(t testing.TB, f *fakeCatalog, e id.Event) *hub {
	t.Helper()
	s := newStreams(Config{}, Parts{Catalog: f}, newThrottle(nil))
	feed, err := f.Feed(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{streams: s, event: e, feed: feed, mark: feed.Mark(), told: time.Now(), stop: make(chan struct{}), all: map[*stream]struct{}{}}
	s.hubs[e] = h
	t.Cleanup(s.close)
	return h
}

// add lets a connection wait for the next round.
func (h *hub) add(t testing.TB, conn net.Conn) *stream {
	t.Helper()
	st := &stream{conn: conn, hub: h, address: network(netip.MustParseAddr("192.0.2.1")), mark: h.feed.Mark()}
	h.streams.perAddress = h.streams.total
	if !h.streams.enter(st) {
		t.Fatal("refused")
	}
	h.deliver(st, nil)
	return st
}

// look looks until the seats have moved.
func (h *hub) look(t testing.TB, mark uint64) {
	t.Helper()
	for h.feed.Mark() == mark {
		again, err := h.feed.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(again) // the feed says when
	}
}

func TestAClientThatDoesNotReadKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	for name, patience := range map[string]time.Duration{"as it is": streamPatience, "control: the hub waits for everybody": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeCatalog()
			h := quietHub(t, f, guarded)
			h.streams.patience = patience
			slow, good := &pipe{stuck: make(chan struct{}), entered: make(chan struct{}, 1)}, &pipe{}
			behind := h.add(t, slow)
			h.add(t, good)
			f.live.book(1)
			h.look(t, h.mark)
			round := make(chan struct{})
			go func() { h.tell(time.Now()); close(round) }()
			<-slow.entered
			if patience == time.Hour {
				if good.text() != "" {
					t.Error("the control writes to others while it waits")
				}
				close(slow.stuck)
				<-round
				return
			}
			<-round // although nobody reads there
			if got := good.text(); !strings.Contains(got, "[[1,3]]") {
				t.Errorf("the other got %q", got)
			}
			for _, seat := range []int{2, 3} {
				f.live.book(seat)
				h.look(t, h.mark)
				h.tell(time.Now())
			}
			close(slow.stuck) // he reads on: the rest of the first, and then all the others in one
			for !func() bool { h.streams.mu.Lock(); defer h.streams.mu.Unlock(); return len(h.waiting) == 2 }() {
				time.Sleep(time.Millisecond)
			}
			got := slow.text()
			if strings.Count(got, "event: seats") != 2 || !strings.Contains(got, "[[1,3]]") || !strings.Contains(got, "[[2,3],[3,3]]") || behind.mark != h.mark {
				t.Errorf("who was behind got %q", got)
			}
		})
	}
}

func TestWhoIsGoneIsDropped(t *testing.T) {
	t.Parallel()
	f := newFakeCatalog()
	h := quietHub(t, f, guarded)
	server, client := net.Pipe()
	h.add(t, server)
	_ = client.Close()
	h.told = time.Time{} // long ago
	h.tell(time.Now())
	if len(h.all) != 0 || h.streams.open != 0 || len(h.streams.addresses) != 0 {
		t.Errorf("%d streams of %d addresses are left", h.streams.open, len(h.streams.addresses))
	}
}

func TestWhatManyMissIsWordedOnce(t *testing.T) {
	t.Parallel()
	f := newFakeCatalog()
	h := quietHub(t, f, guarded)
	first, second := &kept{}, &kept{}
	h.add(t, first)
	h.add(t, second)
	f.live.book(1)
	h.look(t, h.mark)
	h.tell(time.Now())
	if len(first.last) == 0 || &first.last[0] != &second.last[0] {
		t.Errorf("%q and %q are not the same bytes", first.last, second.last)
	}
}

// kept is a connection that keeps what was written, by reference.
type kept struct {
	pipe
	last []byte
}

func (k *kept) Write(b []byte) (int, error) { k.last = b; return len(b), nil }

func TestWhoNeverReadsIsDropped(t *testing.T) {
	t.Parallel()
	f := newFakeCatalog()
	h := quietHub(t, f, guarded)
	h.streams.flush = time.Millisecond
	h.add(t, &pipe{stuck: make(chan struct{}), entered: make(chan struct{}, 1)})
	before := streamsStuck.Get()
	f.live.book(1)
	h.look(t, h.mark)
	h.tell(time.Now())
	h.streams.work.Wait() // for the goroutine that sees to him
	if h.streams.open != 0 || len(h.all) != 0 || streamsStuck.Get() <= before {
		t.Errorf("%d streams are left, %d were stuck", h.streams.open, streamsStuck.Get()-before)
	}
}

func TestTheEventsThatAreFollowedAreBounded(t *testing.T) {
	t.Parallel()
	f := newFakeCatalog()
	h := quietHub(t, f, guarded)
	h.streams.followed = 1
	st := h.add(t, &pipe{})
	if _, err := h.streams.follow(t.Context(), unguarded); err == nil {
		t.Error("a second event is followed")
	}
	h.streams.mu.Lock()
	h.streams.drop(st)
	h.streams.mu.Unlock()
	if _, err := h.streams.follow(t.Context(), unguarded); err != nil || !h.ended {
		t.Errorf("when nobody needs the first: %v, it has ended: %v", err, h.ended)
	}
}
