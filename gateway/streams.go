package gateway

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog"
	"usher/internal/id"
	"usher/internal/problem"
)

const (
	defaultStreams    = 50_000
	defaultPerAddress = 100 // fans behind one address of a mobile network share it; the page falls back to asking

	// maxFollowed bounds the events that are followed at once: each is looked at three times a second.
	maxFollowed = 1000
	// An event is followed for so long after its last stream, so that whoever was cut off can go on where he was.
	streamLinger = 30 * time.Second
	// A proxy that closes silent connections, or a client, must hear from us within 15 s, and a look may take 4.
	streamBeat = 10 * time.Second
	// A connection that takes no more bytes is left to a goroutine of its own after this, so that the others do not wait for it.
	streamPatience = 2 * time.Millisecond
	// Who does not take what there is to tell within this is cut off: he comes back when he can.
	streamFlush = 10 * time.Second
	// Whose kernel acknowledges nothing for so long, two heartbeats, is gone: his place is for somebody else.
	streamUnheard = 20 * time.Second

	refusedWait = 15 // seconds until another try is worth it, and up to as many more
)

var (
	streamsOpen    = metrics.NewGauge("usher_stream_subscribers", nil)
	streamsRefused = metrics.NewCounter("usher_stream_refused_total")
)

// streams are the open streams of a server by event. One goroutine an event writes to all of its connections, so that an idle stream costs
// its connection and next to nothing beside.
type streams struct {
	total, perAddress, followed   int // streams and events at most
	linger, beat, patience, flush time.Duration
	feed                          func(context.Context, id.Event) (*catalog.Feed, error)
	log                           *throttle

	ctx    context.Context // of the goroutines
	cancel context.CancelFunc
	work   sync.WaitGroup // counts them; Add only with mu held and before the end

	mu        sync.Mutex // guards the rest, and the members of the hubs that say so
	hubs      map[id.Event]*hub
	addresses map[netip.Prefix]int
	open      int
	ended     bool
}

func newStreams(c Config, p Parts, log *throttle) *streams {
	s := &streams{
		total: c.Streams, perAddress: c.StreamsPerAddress, linger: c.streamLinger, beat: c.streamBeat, patience: streamPatience, flush: streamFlush,
		followed: maxFollowed, log: log,
		hubs: map[id.Event]*hub{}, addresses: map[netip.Prefix]int{},
	}
	if s.total == 0 {
		s.total = defaultStreams
	}
	if s.perAddress == 0 {
		s.perAddress = defaultPerAddress
	}
	if s.linger == 0 {
		s.linger = streamLinger
	}
	if s.beat == 0 {
		s.beat = streamBeat
	}
	if p.Catalog != nil {
		s.feed = p.Catalog.Feed
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// refused is the answer when there is no room for another stream. Many are told so at once: they shall not all come back at once.
func refused(detail string) error {
	streamsRefused.Inc()
	p := problem.New("overloaded", detail)
	p.RetryAfter = refusedWait + rand.IntN(refusedWait)
	return p
}

// room reports an error when the address, or everybody together, has as many streams as there may be.
func (s *streams) room(address netip.Prefix) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return refused("the server is about to stop")
	case s.open >= s.total:
		return refused("too many streams are open; ask for the seats instead")
	case s.addresses[address] >= s.perAddress:
		return refused("too many streams from this address; ask for the seats instead")
	}
	return nil
}

// follow returns the hub of an event, a new one when nobody follows it yet. Errors as of catalog.Views.Event.
func (s *streams) follow(ctx context.Context, e id.Event) (*hub, error) {
	s.mu.Lock()
	h := s.hubs[e]
	s.mu.Unlock()
	if h != nil {
		return h, nil
	}
	feed, err := s.feed(ctx, e) // a thousand that come at once look at the event once
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hubs[e]; h != nil {
		return h, nil
	}
	if s.ended || len(s.hubs) >= s.followed && !s.forgetOne() {
		return nil, refused("too many events are followed; ask for the seats instead")
	}
	h = &hub{streams: s, event: e, feed: feed, mark: feed.Mark(), told: time.Now(), left: time.Now(), stop: make(chan struct{}), all: map[*stream]struct{}{}}
	s.hubs[e] = h
	s.work.Add(1)
	go h.run()
	return h, nil
}

// forgetOne ends a hub that nobody needs just now. The caller holds mu.
func (s *streams) forgetOne() bool {
	for _, h := range s.hubs {
		if len(h.all) == 0 {
			h.end()
			return true
		}
	}
	return false
}

// enter counts a stream in, unless there is no room for it any more or its hub has ended.
func (s *streams) enter(st *stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || st.hub.ended || s.open >= s.total || s.addresses[st.address] >= s.perAddress {
		streamsRefused.Inc()
		return false
	}
	s.open++
	s.addresses[st.address]++
	st.hub.all[st] = struct{}{}
	s.work.Add(1)
	streamsOpen.Inc()
	return true
}

// drop closes a stream and counts it out; twice is once. The caller holds mu.
func (s *streams) drop(st *stream) {
	if _, there := st.hub.all[st]; !there {
		return
	}
	delete(st.hub.all, st)
	st.hub.left = time.Now()
	if s.addresses[st.address]--; s.addresses[st.address] == 0 {
		delete(s.addresses, st.address)
	}
	s.open--
	streamsOpen.Dec()
	_ = st.conn.Close()
}

// close ends all streams and waits until nobody writes any more. Their clients come back to another server, each after a time of its own.
func (s *streams) close() {
	s.mu.Lock()
	s.ended = true
	s.cancel()
	for _, h := range s.hubs {
		h.end()
	}
	s.mu.Unlock()
	s.work.Wait()
}
