package pace

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestPressureIsTheWorstPart(t *testing.T) {
	t.Parallel()
	f := func(h Health, want float64) {
		t.Helper()
		if got := h.Pressure(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%+v: %v, want %v", h, got, want)
		}
	}
	f(Health{}, 0)
	f(Health{Latency: 500 * time.Millisecond}, 0.5)
	f(Health{Latency: 500 * time.Millisecond, Late: 0.1}, 2)
	f(Health{Lag: 5 * time.Second}, 1)
	f(Health{PoolWait: 150 * time.Millisecond}, 1.5)
	f(Health{Unsettled: 0.2}, 2)
	f(Health{Late: 1, Lag: time.Hour}, MostPressure)
	f(Health{Latency: -time.Second}, 0) // a clock that went back
}

func TestWhatIsChanceIsNotUnsettled(t *testing.T) {
	t.Parallel()
	f := func(began, ended int, want float64) {
		t.Helper()
		if got := Unsettled(began, ended); math.Abs(got-want) > 0.01 {
			t.Errorf("%d began, %d ended: %.2f, want %.2f", began, ended, got, want)
		}
	}
	f(0, 0, 0)
	f(49, 0, 0) // few
	f(100, 100, 0)
	f(110, 100, 0)
	f(150, 100, 0.34)
	f(100, 0, 90)
	f(100, 200, 0)
}

func TestASingleLateCallIsNoTrouble(t *testing.T) {
	t.Parallel()
	f := func(calls, late int64, want float64) {
		t.Helper()
		if got := Late(calls, late); math.Abs(got-want) > 1e-9 {
			t.Errorf("%d of %d late: %v, want %v", late, calls, got, want)
		}
	}
	f(0, 0, 0)
	f(5, 1, 0.04)
	f(20, 20, 0.5)
	f(980, 100, 0.1)
	f(-1, -1, 0)
}

// steps lets so many seconds of a pressure pass.
func (p Pace) steps(seconds int, pressure, least float64) Pace {
	for range seconds / int(Every.Seconds()) {
		p = p.Next(pressure, Every, least)
	}
	return p
}

func TestHowAPaceMoves(t *testing.T) {
	t.Parallel()
	want := func(p Pace, least, low, high float64, when string) {
		t.Helper()
		if got := p.Share(least); got < low-1e-9 || got > high+1e-9 {
			t.Errorf("%s the share is %.3f, want %.2f to %.2f", when, got, low, high)
		}
	}
	var p Pace
	want(p.steps(3600, 0.9, 0.05), 0.05, 1, 1, "as long as all is tolerable")
	want(p.steps(5, 3, 0.05).steps(60, 0, 0.05), 0.05, 1, 1, "after five bad seconds")
	p = p.steps(30, 3, 0.05)
	want(p, 0.05, beta, beta, "after half a minute of trouble")
	want(p.steps(60, 3, 0.05), 0.05, beta, beta, "while it is being felt")
	want(p.steps(90, 3, 0.05), 0.05, beta*beta, beta*beta, "when it was not enough")
	want(p.steps(3600, 3, 0.05), 0.05, 0.05, 0.05, "in an hour of trouble")
	want(p.steps(3600, 3, 1), 1, 1, 1, "where the least is the most")
	healthy := p.steps(120, 0, 0.05)
	want(healthy, 0.05, 0.8, 0.97, "two minutes after it was over")
	want(p.steps(300, 0, 0.05), 0.05, 0.98, 1, "five minutes after it was over")
	want(p.steps(3600, 3, 0.05).steps(20*60, 0, 0.05), 0.05, 0.95, 1, "twenty minutes after an hour of trouble: nothing has wound up")
}

// Whatever happens, a share is between the least and 1, never rises by more than the climb or a curve back to its edge, and never falls by more than a share of itself
// within the time that is felt.
func TestAPaceNeverLeavesItsBounds(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		least := rng.Float64()
		p := At(rng.Float64() * 1.2)
		since := felt
		for range 500 {
			before := p.Share(least)
			after := time.Duration(rng.Int64N(int64(2 * Every)))
			p = p.Next(rng.Float64()*4-0.5, after, least)
			since += after
			share := p.Share(least)
			if share < least || share > 1 || math.IsNaN(share) {
				t.Fatalf("seed %d: the share is %v, least %v", seed, share, least)
			}
			if share < before*beta-1e-9 || share < before && since < felt && before < 1 {
				t.Fatalf("seed %d: from %v to %v, %s after the last time", seed, before, share, since)
			}
			if share > before+climb*after.Seconds()+1e-9 {
				t.Fatalf("seed %d: from %v to %v in %s", seed, before, share, after)
			}
			if share < before {
				since = 0
			}
		}
	}
}

func TestAGatewayTakesOver(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0, 0.1, 0.5, 0.99, 1, 1.5} {
		p := At(share)
		if got := p.Share(0); math.Abs(got-min(1, share)) > 1e-9 {
			t.Errorf("at %v it begins at %v", share, got)
		}
		if after := p.Next(0, Every, 0).Share(0); after < p.Share(0)-1e-9 || after > p.Share(0)+0.02 {
			t.Errorf("at %v the first step is to %v", share, after)
		}
	}
}
