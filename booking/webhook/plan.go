package webhook

import (
	"encoding/json"
	"errors"
	"time"

	"usher/booking/event"
)

const (
	turnMessages = 100                // of a webhook in one round
	logPage      = 500                // rows of the log that a round looks at
	maxWaiting   = 1000               // messages that wait for one receiver: beyond, its cursor stays
	breakAfter   = 5                  // failures in a row after which a receiver is asked with single messages
	giveUp       = 3 * 24 * time.Hour // after the first try
	firstPause   = 5 * time.Second
	longestPause = 6 * time.Hour
)

// backoff is how long to wait after so many failures, 1 or more: 5 s, 15 s, 45 s … 6 h, and of that a random part between a half and all, so that
// receivers that failed together are not asked together. chance is from 0 to below 1.
func backoff(failures int, chance float64) time.Duration {
	pause := firstPause
	for range min(failures, 20) - 1 {
		pause = min(3*pause, longestPause)
	}
	return time.Duration(float64(pause) * (0.5 + chance/2))
}

// plan is what a round delivers: each line in order, several lines at once.
type plan struct {
	lines  [][]Message
	behind []Message // of keys of which an older message waits: they wait, too
	cursor int64
}

// planned decides what a round delivers: what is due again, and what of the log is new, as far as the webhook wants it. waiting counts what waits already.
// limit bounds the messages.
func planned(w *Webhook, due, logged []Message, waiting map[string]int, limit int) plan {
	p := plan{cursor: w.Cursor}
	for _, m := range due {
		p.lines = append(p.lines, []Message{m})
	}
	many, left := 0, limit-len(due)
	for _, n := range waiting {
		many += n
	}
	lineOf := map[string]int{}
	for _, m := range logged {
		var e event.Event
		if json.Unmarshal(m.Payload, &e) != nil || !w.wants(&e) { // a row that cannot be read was told and counted by the relay
			p.cursor = m.Seq
			continue
		}
		m.Key = keyOf(&e)
		if waiting[m.Key] > 0 {
			if many >= maxWaiting {
				break
			}
			many++
			p.behind = append(p.behind, m)
			p.cursor = m.Seq
			continue
		}
		if left <= 0 || many >= maxWaiting {
			break
		}
		left--
		many++ // it may have to wait
		at, there := lineOf[m.Key]
		if !there {
			at = len(p.lines)
			p.lines, lineOf[m.Key] = append(p.lines, nil), at
		}
		p.lines[at] = append(p.lines[at], m)
		p.cursor = m.Seq
	}
	return p
}

// errSkipped says that a message was not tried: an older one of its line failed, or the receiver fails altogether.
var errSkipped = errors.New("not tried yet")

// result is what came of one message; nil: it was taken.
type result struct {
	Message
	err error
}

// turned decides what is written after a round. chance draws from 0 to below 1.
func turned(w *Webhook, p plan, results []result, chance func() float64) Turn {
	t := Turn{Webhook: w.ID, Version: w.Version, Cursor: p.cursor, Failures: w.Failures}
	failed := 0
	var after time.Duration // that the receiver asks for
	for _, r := range results {
		if r.err == nil {
			t.Success = true
			if r.Waited {
				t.Taken = append(t.Taken, r.Seq)
			}
			continue
		}
		a := Again{Message: r.Message, Error: clip(r.err)}
		if !errors.Is(r.err, errSkipped) {
			failed++
			t.Error = a.Error
			t.Disable = t.Disable || gone(r.err)
			a.Tries++
			a.After = backoff(a.Tries, chance())
			a.SetAside = r.Age >= giveUp
			var refused *refusedError
			if errors.As(r.err, &refused) {
				after = max(after, min(refused.after, longestPause))
				a.After = max(a.After, min(refused.after, longestPause))
			}
		} else if r.Waited {
			continue // it waits as it did
		}
		t.Again = append(t.Again, a)
	}
	for _, m := range p.behind {
		t.Again = append(t.Again, Again{Message: m, Error: errSkipped.Error()})
	}
	if t.Success {
		t.Failures = 0
	}
	t.Failures += failed
	if t.Success && t.Failures >= breakAfter {
		t.Failures = breakAfter - 1 // it takes some: single messages are at fault, and have pauses of their own
	}
	if t.Failures >= breakAfter {
		t.Pause = max(backoff(t.Failures-breakAfter+1, chance()), after)
		t.Disable = t.Disable || w.FailingFor >= giveUp
	}
	return t
}
