package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// ErrKeepsEnding says that a process ended at once each time it was started.
var ErrKeepsEnding = errors.New("keeps ending")

// Restarts says how a process that should never end by itself is started again.
type Restarts struct {
	Pause  time.Duration // before the first restart; doubled with each further one
	Steady time.Duration // one that lived so long counts as healthy: pause and tries begin anew
	Tries  int           // restarts in a row before giving up
	Grace  time.Duration // how long it may take to end when asked
}

// Keep runs the command until ctx ends, then stops it. When it ends by itself it is started again; after r.Tries
// quick ends in a row Keep gives up with ErrKeepsEnding.
func (r Restarts) Keep(ctx context.Context, c Command, log *slog.Logger) error {
	pause := r.Pause
	for quick := 0; ; quick++ {
		started := time.Now()
		p, err := Start(c)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return r.stop(p)
		case <-p.Done():
		}
		if time.Since(started) >= r.Steady {
			quick, pause = 0, r.Pause
		}
		if quick >= r.Tries {
			return fmt.Errorf("%s %w: %w", c.Name, ErrKeepsEnding, ended(p))
		}
		log.Warn("process ended, starting it again", "process", c.Name, "err", ended(p), "pause", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func (r Restarts) stop(p *Process) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.Grace)
	defer cancel()
	return p.Stop(ctx)
}

// ended says how a process ended that should not have: even success is an error then.
func ended(p *Process) error {
	if err := p.Err(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}
