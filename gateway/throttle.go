package gateway

import (
	"log/slog"
	"sync"
	"time"
)

const maxLines = 20 // a second

// throttle is a log that writes at most maxLines a second and counts the rest: a store that is away fails every call.
type throttle struct {
	log     *slog.Logger
	mu      sync.Mutex // guards the rest
	since   time.Time
	lines   int
	dropped int
}

func newThrottle(log *slog.Logger) *throttle { return &throttle{log: log} }

// Error logs a fault of ours.
func (t *throttle) Error(what string, args ...any) {
	if t.allow() {
		t.log.Error(what, args...)
	}
}

// Warn logs what somebody should look at.
func (t *throttle) Warn(what string, args ...any) {
	if t.allow() {
		t.log.Warn(what, args...)
	}
}

// allow counts a line and reports whether it may be written.
func (t *throttle) allow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.Sub(t.since) >= time.Second {
		if t.dropped > 0 {
			t.log.Warn("lines were dropped", "count", t.dropped)
		}
		t.since, t.lines, t.dropped = now, 0, 0
	}
	if t.lines++; t.lines > maxLines {
		t.dropped++
		return false
	}
	return true
}
