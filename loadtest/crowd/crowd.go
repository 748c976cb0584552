package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is all fans and what they saw.
type crowd struct {
	options
	client *http.Client
	sale   sale
	tally  *tally

	waiting, inside, holds, booked, confirmed, gone atomic.Int64
	soldOut                                         atomic.Bool
	tickets                                         atomic.Pointer[[]ticket] // as one fan saw them lately
}

func newCrowd(o options, client *http.Client, s sale) *crowd {
	return &crowd{options: o, client: client, sale: s, tally: newTally()}
}

// send lets the fans arrive, and more while tickets are left and nobody waits, until all are done.
func (c *crowd) send(ctx context.Context, out io.Writer) {
	stop := make(chan struct{})
	var live sync.WaitGroup
	live.Go(func() { c.live(ctx, stop, out) })
	rng := rand.New(rand.NewPCG(c.seed, 0))
	var fans sync.WaitGroup
	sent := 0
	wave := func(n int) {
		for range n {
			seed, late := c.seed<<32|uint64(sent), time.Duration(rng.Float64()*float64(c.arrive))
			sent++
			fans.Go(func() {
				if pause(ctx, late) {
					newFan(c, seed).visit(ctx)
				}
				c.gone.Add(1)
			})
		}
		fans.Wait()
	}
	wave(c.fans)
	for c.untilSoldOut && !c.soldOut.Load() && ctx.Err() == nil && sent < c.maxFans {
		v, err := view(ctx, c.client, c.url, c.sale.event)
		if err != nil || v.Availability.Free+v.Availability.Held+v.Availability.Paying == 0 {
			break
		}
		if v.Availability.Free == 0 { // what is held comes back or is paid
			pause(ctx, time.Second)
			continue
		}
		wave(min(max(v.Availability.Free, 10), c.maxFans-sent))
	}
	close(stop)
	live.Wait()
}

// live prints one line a second.
func (c *crowd) live(ctx context.Context, stop <-chan struct{}, out io.Writer) {
	started := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		left := "?"
		if v, err := view(ctx, c.client, c.url, c.sale.event); err == nil {
			left = fmt.Sprint(v.Availability.Free)
			c.tickets.Store(&v.Tickets)
			a := v.Availability
			c.soldOut.Store(a.Booked+a.Blocked == a.Capacity)
		}
		fmt.Fprintf(out, "%4.0fs  waiting %5d  inside %4d  holds %5d  booked %5d  confirmed %5d  done %5d  free %s  errors %d\n",
			time.Since(started).Seconds(), c.waiting.Load(), c.inside.Load(), c.holds.Load(), c.booked.Load(), c.confirmed.Load(), c.gone.Load(), left, c.tally.errors())
	}
}

// pause waits and reports whether the time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
