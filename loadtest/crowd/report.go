package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"
)

// gatewaySlack is how much two gateways may differ about the watermark.
const gatewaySlack = 1500 * time.Millisecond

// report is what a run found.
type report struct {
	Joins, Entries, Sold, Capacity int
	SoldOut                        bool
	Calls                          map[string]latency `json:"calls"`
	Answers                        map[string]int     `json:"answers"`
	Inversions                     int                `json:"order_inversions"`
	Overshoot                      int                `json:"capacity_overshoot"`
	Doubles                        int                `json:"double_sales"`
	NumbersTwice                   int                `json:"numbers_issued_twice"`
	Faults                         int                `json:"faults"`
	Imbalance                      int                `json:"availability_imbalance"` // of the event's view
	Peak                           int                `json:"peak_sessions"`
	RoomCapacity                   int                `json:"room_capacity"`
}

type latency struct {
	Count         int64
	P50, P99, Max time.Duration
}

func (c *crowd) report(ctx context.Context) report {
	t := c.tally
	r := report{
		Capacity: c.sale.capacity, RoomCapacity: c.sale.roomCapacity, Calls: map[string]latency{}, Answers: t.answers,
		Inversions: t.inversions(gatewaySlack), Peak: t.peak(), NumbersTwice: len(t.twice), Faults: t.faults,
	}
	if c.sale.room != "" {
		r.Overshoot = max(0, r.Peak-c.sale.roomCapacity)
	}
	pause(ctx, 1500*time.Millisecond) // a view is stale by at most a second
	if v, err := view(ctx, c.client, c.url, c.sale.event); err == nil {
		a := v.Availability
		r.Doubles = t.doubles(v)
		r.Imbalance = a.Capacity - a.Free - a.Held - a.Paying - a.Booked - a.Blocked
		r.SoldOut = a.Booked+a.Blocked == a.Capacity
	} else {
		r.Faults++
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.Joins, r.Sold, r.Entries = len(t.numbers), len(t.sales), t.answers["enter 200"]
	for kind, h := range t.calls {
		us := func(q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) * time.Microsecond }
		r.Calls[kind] = latency{h.TotalCount(), us(50), us(99), time.Duration(h.Max()) * time.Microsecond}
	}
	return r
}

func (r report) print(out io.Writer) {
	fmt.Fprintf(out, "\n%-8s %8s %10s %10s %10s\n", "call", "count", "p50", "p99", "max")
	for _, kind := range sorted(r.Calls) {
		l := r.Calls[kind]
		fmt.Fprintf(out, "%-8s %8d %10s %10s %10s\n", kind, l.Count, l.P50.Round(10*time.Microsecond), l.P99.Round(10*time.Microsecond), l.Max.Round(10*time.Microsecond))
	}
	fmt.Fprintln(out)
	for _, name := range sorted(r.Answers) {
		fmt.Fprintf(out, "  %-40s %8d\n", name, r.Answers[name])
	}
	fmt.Fprintf(out, "\njoins %d, entries %d, tickets sold %d of %d, sold out %v, most sessions at once %d of %d\n",
		r.Joins, r.Entries, r.Sold, r.Capacity, r.SoldOut, r.Peak, r.RoomCapacity)
	fmt.Fprintf(out, "order inversions %d, capacity overshoot %d, double sales %d\n", r.Inversions, r.Overshoot, r.Doubles)
	fmt.Fprintf(out, "numbers issued twice %d, faults %d, availability imbalance %d\n", r.NumbersTwice, r.Faults, r.Imbalance)
}

// verdict is an error unless everything that must be zero is, and something was sold.
func (r report) verdict() error {
	var errs []error
	for _, c := range []struct {
		what  string
		count int
	}{
		{"order inversions", r.Inversions}, {"capacity overshoot", r.Overshoot}, {"double sales", r.Doubles},
		{"numbers issued twice", r.NumbersTwice}, {"faults", r.Faults}, {"availability imbalance", r.Imbalance},
	} {
		if c.count != 0 {
			errs = append(errs, fmt.Errorf("%s: %d, want 0", c.what, c.count))
		}
	}
	if r.Sold == 0 {
		errs = append(errs, errors.New("nothing was sold: a run without a sale proves nothing"))
	}
	return errors.Join(errs...)
}

func (r report) save(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func sorted[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
