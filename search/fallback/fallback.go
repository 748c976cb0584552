// Package fallback searches with one engine, and with another where the first is away, slow or busy. Without another the search is refused at once, so that
// an engine that hangs does not make everybody wait. Nothing about a search is ever tried twice with the first: whoever waits has waited long enough.
package fallback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/search"
)

// Config is how long and how often the first engine is asked. Zero members are the defaults.
type Config struct {
	Name     string        // of the first engine, in metrics and the log
	Wait     time.Duration // for one answer of the first engine; 300 ms
	AtOnce   int           // searches that it answers at a time; 64
	Failures int           // in a row, after which it is left alone for a while; 5
	Pause    time.Duration // that while; 1 s
	Log      *slog.Logger
}

// Engine is a search.Engine.
type Engine struct {
	Config
	first, second search.Engine
	slots         chan struct{}
	breaker       breaker
}

// New returns an engine that asks first, and second when first does not answer; nil: there is no second, and searches are refused with
// search.ErrUnavailable.
func New(c Config, first, second search.Engine) *Engine {
	if c.Wait == 0 {
		c.Wait = 300 * time.Millisecond
	}
	if c.AtOnce == 0 {
		c.AtOnce = 64
	}
	if c.Failures == 0 {
		c.Failures = 5
	}
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	return &Engine{Config: c, first: first, second: second, slots: make(chan struct{}, c.AtOnce), breaker: breaker{limit: c.Failures, pause: c.Pause, gauge: stateGauge(c.Name)}}
}

// trialWait is for the one search that tries whether an engine is back: it would answer it in a tenth of that.
const trialWait = 500 * time.Millisecond

// Why the second engine is asked.
const (
	failed = "failed" // the first says that it cannot
	slow   = "slow"
	open   = "open" // it has failed too often
	busy   = "busy" // too many ask it
	other  = "cursor"
)

func fallbacksTotal(why string) *metrics.Counter {
	return metrics.GetOrCreateCounter(`usher_search_fallbacks_total{why="` + why + `"}`)
}

// Search answers one page. A page of the second engine is marked. A cursor belongs to the engine that made it, unless it is one that every engine takes: that of the
// second leads to the second also when the first is back, so whoever began there reads on; that of the first is refused while it is away.
func (g *Engine) Search(ctx context.Context, q search.Query) (search.Page, error) {
	page, why, err := try(ctx, g, func(ctx context.Context) (search.Page, error) { return g.first.Search(ctx, q) })
	if errors.Is(err, search.ErrBadCursor) {
		why = other
	}
	if why == "" || why == other && g.second == nil {
		return page, err
	}
	if g.second == nil {
		return search.Page{}, refuse(why, err)
	}
	if page, err = g.second.Search(ctx, q); why != other || err == nil {
		fallbacksTotal(why).Inc()
	}
	page.Degraded = err == nil
	return page, err
}

// Suggest completes a text. What the second engine suggests is marked.
func (g *Engine) Suggest(ctx context.Context, text string, limit int) (search.Suggestions, error) {
	found, why, err := try(ctx, g, func(ctx context.Context) (search.Suggestions, error) { return g.first.Suggest(ctx, text, limit) })
	if why == "" {
		return found, err
	}
	if g.second == nil {
		return search.Suggestions{}, refuse(why, err)
	}
	fallbacksTotal(why).Inc()
	found, err = g.second.Suggest(ctx, text, limit)
	found.Degraded = err == nil
	return found, err
}

func refusedTotal(why string) *metrics.Counter {
	return metrics.GetOrCreateCounter(`usher_search_refused_total{why="` + why + `"}`)
}

// refuse is the answer to a search that no engine is left for; err is what the first one said, if it was asked.
func refuse(why string, err error) error {
	refusedTotal(why).Inc()
	if errors.Is(err, search.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", search.ErrUnavailable, why, cmp.Or(err, errLeftAlone))
}

var errLeftAlone = errors.New("the engine is left alone for a moment")

// try asks the first engine. It returns why the second should be asked instead; "": the answer, or the error, is the caller's.
func try[T any](ctx context.Context, g *Engine, ask func(context.Context) (T, error)) (answer T, why string, err error) {
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		return answer, busy, nil
	}
	allowed, trial := g.breaker.allow()
	if !allowed {
		return answer, open, nil
	}
	wait := g.Wait
	if trial {
		wait = min(wait, trialWait)
	}
	came := bad // also if the engine panics
	defer func() { g.tell(came, err) }()
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	answer, err = ask(limited)
	switch {
	case err == nil, errors.Is(err, search.ErrBadCursor), errors.Is(err, search.ErrBadQuery):
		came = good
	case ctx.Err() != nil:
		came = unknown
	case limited.Err() != nil:
		why = slow
	default:
		why = failed
	}
	return answer, why, err
}

// tell tells the breaker what came of a search, and the log when that changes who answers.
func (g *Engine) tell(came outcome, err error) {
	if !g.breaker.done(came) || g.Log == nil {
		return
	}
	if came == good {
		g.Log.Info("search is answered again", "engine", g.Name)
	} else {
		g.Log.Warn("a search engine does not answer and is left alone for a while", "engine", g.Name, "err", err, "tried_again_after", g.Pause.String())
	}
}
