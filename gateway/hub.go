package gateway

import (
	"errors"
	"os"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/catalog"
	"usher/internal/id"
)

var (
	streamBytes    = metrics.NewCounter("usher_stream_bytes_total")
	streamMessages = metrics.NewCounter("usher_stream_messages_total")
	streamsSlow    = metrics.NewCounter("usher_stream_slow_total") // did not take a message at once
	streamsGone    = metrics.NewCounter(`usher_stream_drops_total{why="gone"}`)
	streamsStuck   = metrics.NewCounter(`usher_stream_drops_total{why="stuck"}`)
)

// hub looks at one event and tells its streams. A stream either waits, and then the hub's goroutine writes to it, or it is behind, and then
// a goroutine of its own does until it has everything.
type hub struct {
	streams *streams
	event   id.Event
	feed    *catalog.Feed
	stop    chan struct{} // closed when the hub has ended

	// of the hub's goroutine alone
	mark  uint64    // what the streams have been told
	stale bool      // and that it is old
	told  time.Time // when the last round was
	spare []*stream // memory for the next round

	// guarded by streams.mu
	all     map[*stream]struct{}
	waiting []*stream
	left    time.Time // when the last stream came or went
	ended   bool
}

// run looks at the event whenever something may have changed, until nobody wants to know any more.
func (h *hub) run() {
	defer h.streams.work.Done()
	defer h.leave()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-timer.C:
		}
		again, err := h.feed.Look(h.streams.ctx)
		if errors.Is(err, booking.ErrEventNotFound) || h.deserted() {
			return
		}
		h.tell(time.Now())
		timer.Reset(again)
	}
}

// leave ends the hub, also after a panic: the clients come back.
func (h *hub) leave() {
	if p := recover(); p != nil {
		panicsTotal.Inc()
		h.streams.log.Error("panic in a stream", "panic", p, "event", h.event)
	}
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	h.end()
}

// end closes the streams of the hub; twice is once. The caller holds streams.mu.
func (h *hub) end() {
	if h.ended {
		return
	}
	h.ended = true
	close(h.stop)
	delete(h.streams.hubs, h.event)
	for st := range h.all {
		h.streams.drop(st)
	}
}

// deserted ends the hub when nobody has followed it for a while.
func (h *hub) deserted() bool {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	if len(h.all) == 0 && time.Since(h.left) > h.streams.linger {
		h.end()
	}
	return h.ended
}

// tell writes to all streams that wait, when there is something to say or nothing has been said for long.
func (h *hub) tell(now time.Time) {
	version, age := h.feed.Stale()
	beat := now.Sub(h.told) >= h.streams.beat
	if h.feed.Mark() == h.mark && !beat && h.stale == (age > 0) {
		return
	}
	h.mark, h.stale, h.told = h.feed.Mark(), age > 0, now
	h.round(notice(version, age), beat)
}

const (
	// roundPatience is what slow readers may cost all others in one round; those that come after it is spent get leastPatience, which is
	// enough for a reader with room in his window.
	roundPatience = 20 * time.Millisecond
	leastPatience = 100 * time.Microsecond
)

// round gives every waiting stream what it has missed. What is the same for many is worded once.
func (h *hub) round(notice []byte, beat bool) {
	h.streams.mu.Lock()
	batch := h.waiting
	h.waiting = h.spare[:0]
	h.streams.mu.Unlock()
	type key struct {
		mark  uint64
		stale bool
	}
	type frame struct {
		mark uint64
		text []byte
	}
	frames := map[key]frame{}
	kept, patience := batch[:0], roundPatience
	for _, st := range batch {
		k := key{st.mark, st.stale}
		f, worded := frames[k]
		if !worded {
			message, mark := h.feed.Since(st.mark)
			f = frame{mark, appendMessage(nil, message)}
			switch {
			case st.stale != h.stale, h.stale && beat:
				f.text = append(f.text, notice...)
			case beat && len(f.text) == 0:
				f.text = []byte(heartbeat)
			}
			frames[k] = f
		}
		st.mark, st.stale = f.mark, h.stale
		began := time.Now()
		if len(f.text) == 0 || h.write(st, f.text, min(h.streams.patience, max(patience, leastPatience))) {
			kept = append(kept, st)
		}
		patience -= time.Since(began)
	}
	h.streams.mu.Lock()
	h.waiting = append(h.waiting, kept...)
	h.streams.mu.Unlock()
	clear(batch)
	h.spare = batch
}

// write gives a stream what is there to tell, if it takes that at once. Otherwise somebody else sees to it.
func (h *hub) write(st *stream, text []byte, patience time.Duration) bool {
	n, err := st.put(text, patience)
	if err == nil {
		return true
	}
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		streamsGone.Inc()
		h.streams.drop(st)
		return false
	}
	if h.streams.ended { // it is closed already
		return false
	}
	streamsSlow.Inc()
	h.streams.work.Add(1)
	go h.deliver(st, text[n:])
	return false
}

// deliver writes to a stream until it has everything and waits for the next round.
func (h *hub) deliver(st *stream, text []byte) {
	defer h.streams.work.Done()
	for {
		if _, err := st.put(text, h.streams.flush); err != nil {
			why := streamsGone
			if errors.Is(err, os.ErrDeadlineExceeded) {
				why = streamsStuck
			}
			h.streams.mu.Lock()
			defer h.streams.mu.Unlock()
			if _, there := h.all[st]; there { // else we have closed it ourselves
				why.Inc()
			}
			h.streams.drop(st)
			return
		}
		if h.wait(st) {
			return
		}
		var message catalog.Message
		message, st.mark = h.feed.Since(st.mark)
		text = appendMessage(nil, message)
	}
}

// wait lets a stream wait for the next round; false when it is behind already.
func (h *hub) wait(st *stream) bool {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	if _, there := h.all[st]; !there {
		return true // it was closed meanwhile
	}
	if st.mark != h.feed.Mark() { // whoever moves the mark takes the waiting ones after that: none is missed
		return false
	}
	h.waiting = append(h.waiting, st)
	return true
}
