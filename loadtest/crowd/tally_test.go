package main

import (
	"strings"
	"testing"
	"time"
)

var start = time.Unix(1_800_000_000, 0)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func poll(sent float64) answer { return answer{status: 200, sent: at(sent), got: at(sent + 0.01)} }

func TestInversionsAreThoseThatIntervalsProve(t *testing.T) {
	t.Parallel()
	f := func(why string, want int, tell func(*tally)) {
		t.Helper()
		tl := newTally()
		tl.arrived(1, at(0))
		tl.arrived(2, at(0))
		tell(tl)
		if got := tl.inversions(time.Second); got != want {
			t.Errorf("%s: %d inversions, want %d", why, got, want)
		}
	}
	f("in order", 0, func(tl *tally) {
		tl.told(1, "called", poll(1))
		tl.told(2, "waiting", poll(2))
		tl.told(2, "called", poll(3))
	})
	f("the higher number was called, the lower asks later and must wait", 1, func(tl *tally) {
		tl.told(2, "called", poll(1))
		tl.told(1, "waiting", poll(5))
	})
	f("two gateways may differ for a moment", 0, func(tl *tally) {
		tl.told(2, "called", poll(1))
		tl.told(1, "waiting", poll(1.5))
	})
	f("the lower number asked before", 0, func(tl *tally) {
		tl.told(1, "waiting", poll(0.5))
		tl.told(2, "called", poll(1))
	})
}

func TestPeakCountsSessionsThatOverlap(t *testing.T) {
	t.Parallel()
	tl := newTally()
	for _, s := range [][2]float64{{0, 3}, {1, 2}, {2, 4}, {5, 6}} {
		tl.stayed(at(s[0]), at(s[1]))
	}
	if got := tl.peak(); got != 2 { // one ends at the instant that another begins
		t.Errorf("peak %d, want 2", got)
	}
}

func TestDoublesAreTicketsSoldTwiceOrNotShownAsBooked(t *testing.T) {
	t.Parallel()
	tl := newTally()
	tl.sold("a", []string{"t1", "t2"}, booking{ID: "b1"})
	tl.sold("b", []string{"t2"}, booking{ID: "b2"})
	tl.sold("c", []string{"t3"}, booking{ID: "b3"})
	v := eventView{Tickets: []ticket{{ID: "t1", Status: "booked"}, {ID: "t2", Status: "booked"}, {ID: "t3", Status: "available"}}}
	if got := tl.doubles(v); got != 2 {
		t.Errorf("%d doubles, want 2: t2 was sold twice, t3 is not booked", got)
	}
}

func TestEveryFaultFailsTheRun(t *testing.T) {
	t.Parallel()
	good := report{Sold: 1}
	if err := good.verdict(); err != nil {
		t.Fatalf("a good run: %v", err)
	}
	f := func(want string, spoil func(*report)) {
		t.Helper()
		r := good
		spoil(&r)
		if err := r.verdict(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: verdict %v", want, err)
		}
	}
	f("order inversions", func(r *report) { r.Inversions = 1 })
	f("capacity overshoot", func(r *report) { r.Overshoot = 1 })
	f("double sales", func(r *report) { r.Doubles = 1 })
	f("numbers issued twice", func(r *report) { r.NumbersTwice = 1 })
	f("faults", func(r *report) { r.Faults = 1 })
	f("availability imbalance", func(r *report) { r.Imbalance = 3 })
	f("nothing was sold", func(r *report) { r.Sold = 0 })
}

func TestNumbersAndFaultsAreNoticed(t *testing.T) {
	t.Parallel()
	tl := newTally()
	tl.numbered(7, "a")
	tl.numbered(7, "a") // the same visitor again is fine
	tl.numbered(7, "b")
	if len(tl.twice) != 1 {
		t.Errorf("%d numbers issued twice, want 1", len(tl.twice))
	}
	for _, status := range []int{200, 409, 503} {
		tl.count("x", answer{status: status, sent: start, got: start})
	}
	if tl.errors() != 0 {
		t.Errorf("answers of the contract counted as faults: %d", tl.errors())
	}
	tl.count("x", answer{status: 500, sent: start, got: start})
	tl.count("x", answer{sent: start, got: start})
	if tl.errors() != 2 {
		t.Errorf("%d faults, want 2: a 500 and a call without answer", tl.errors())
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"--fans 0", "--fans 3000 --max-fans 10", "--duration 0s", "--abandon 2", "--nonsense"} {
		if _, err := parse(strings.Fields(args), &strings.Builder{}); err == nil {
			t.Errorf("%s was accepted", args)
		}
	}
}
