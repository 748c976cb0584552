package waitroom

import (
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"

	"usher/internal/id"
)

func TestWhatAPersonBuysIsMeasured(t *testing.T) {
	t.Parallel()
	f := func(served, tickets int64, want float64) {
		t.Helper()
		if got := bought(served, tickets); math.Abs(got-want) > 0.005 {
			t.Errorf("%d people bought %d: %.3f each, want %.3f", served, tickets, got, want)
		}
	}
	f(0, 0, 1)     // nobody knows: a ticket each
	f(1, 0, 0.952) // one who buys nothing says little
	f(20, 0, 0.5)
	f(100, 50, 0.583)
	f(200, 100, 0.545)
	f(200, 400, 1.909) // pairs
	f(200, 1600, 7.364)
	f(200, 0, 0.091)
	f(1_000_000, 0, 0.05) // the least
	f(-5, -3, 1)          // after a loss
}

func TestHowManyMayBuy(t *testing.T) {
	t.Parallel()
	f := func(left int, each float64, want int) {
		t.Helper()
		if got := MayBuy(left, 1/each); got != want {
			t.Errorf("%d left, %.2f each: %d may be called, want %d", left, each, got, want)
		}
	}
	f(0, 1, 0)
	f(-1, 1, 0)
	f(1, 1, 1)
	f(10, 1, 10)
	f(10, 0.5, 20)
	f(10, 2, 5)
	f(1, 8, 1) // nobody is kept waiting for a ticket because most want eight
	f(7, 2, 3)
	f(1000, 0.05, 20_000)
}

// Whatever is measured: those who may buy never want more than what is left, but for the one who may always try, and somebody may while there is a ticket.
func TestThoseCalledWantNoMoreThanIsLeft(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 100_000 {
		left, served := rng.IntN(1<<rng.IntN(20)), rng.Int64N(1<<rng.IntN(20))
		each := bought(served, rng.Int64N(1+8*served))
		n := MayBuy(left, 1/each)
		if float64(n)*each > float64(left)+1e-6 && n > 1 || left > 0 && n < 1 || left == 0 && n != 0 {
			t.Fatalf("seed %d: %d left, %.3f each: %d may be called", seed, left, each, n)
		}
		if float64(n+1)*each <= float64(left)-1e-6 {
			t.Fatalf("seed %d: %d left, %.3f each: %d may be called, and one more might", seed, left, each, n)
		}
	}
}

func TestOdds(t *testing.T) {
	t.Parallel()
	f := func(left int, ahead int64, each float64, served int64, wanted, low, high int) {
		t.Helper()
		if got := odds(left, ahead, each, served); got.Wanted != wanted || got.Percent < low || got.Percent > high {
			t.Errorf("%d left, %d ahead, %.2f each: %+v, want %d and %d to %d %%", left, ahead, each, got, wanted, low, high)
		}
	}
	f(100, 0, 1, 200, 0, 99, 99)
	f(1, 0, 1, 0, 0, 80, 99)
	f(100, 100, 1, 200, 100, 40, 55) // as many wanted as are left
	f(100, 50, 1, 200, 50, 97, 99)
	f(100, 200, 1, 200, 200, 1, 3)
	f(100, 200, 0.5, 200, 100, 40, 55)   // of those ahead half buy
	f(100, 60, 1, 0, 60, 75, 99)         // little is known: less sure
	f(100, 1_000_000, 1, 200, 1e6, 1, 1) // never "none"
}

// The estimate is honest: of worlds in which people buy as they did, as many have a ticket left as was said, within five points.
func TestOddsAreWhatComes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 7))
	buys := func() int64 { return 2 * rng.Int64N(2) } // a pair, or nothing
	said, came := map[int]int{}, map[int]int{}
	for range 40_000 {
		var sold int64
		for range 200 {
			sold += buys()
		}
		ahead, left := int64(20+rng.IntN(300)), 150
		for o, i := odds(left, ahead, bought(200, sold), 200), int64(0); i <= ahead; i++ {
			if i == ahead {
				said[o.Percent/20]++
				if left > 0 {
					came[o.Percent/20]++
				}
			}
			left -= int(buys())
		}
	}
	for band, n := range said {
		if share := 100 * came[band] / n; n > 300 && (share < 20*band-5 || share > 20*band+25) {
			t.Errorf("of %d who were told %d to %d %% there was a ticket for %d %%", n, 20*band, 20*band+19, share)
		}
	}
	if len(said) < 5 {
		t.Errorf("only these were told: %v", said)
	}
}

// What comes late, or twice, changes nothing; what is not known of one event is not known of the room.
func TestTheLaterStockOfAnEventCounts(t *testing.T) {
	t.Parallel()
	k := NewKeeper(nil, nil, nil, nil, slog.New(slog.DiscardHandler))
	var room Room
	if s := k.stockOf(&room); s.Known {
		t.Errorf("a room without events: %+v", s)
	}
	room.Events = []id.Event{1, 2}
	k.SetStock(1, Stock{Known: true, Left: 3, Sold: 2, Version: 9})
	if s := k.stockOf(&room); s.Known {
		t.Errorf("one of two events is known: %+v", s)
	}
	k.SetStock(2, Stock{Known: true, Left: 0, Sold: 4, Version: 5})
	k.SetStock(1, Stock{Known: true, Left: 5, Sold: 0, Version: 8})
	if s := k.stockOf(&room); s != (Stock{Known: true, Left: 3, Sold: 6, Version: 14}) {
		t.Errorf("an older stock came late: %+v", s)
	}
	k.SetStock(1, Stock{Known: true, Left: 0, Sold: 5, Version: 12})
	if s := k.stockOf(&room); !s.SoldOut() {
		t.Errorf("both are sold out: %+v", s)
	}
	v := &view{Watch: Watch{Stock: Stock{Known: true, Left: 1, Version: 30}}}
	if s := k.latest(&room, v); s.Left != 1 {
		t.Errorf("the line has heard later: %+v", s)
	}
	v.Stock = Stock{}
	if s := k.latest(&room, v); !s.SoldOut() {
		t.Errorf("the line knows nothing: %+v", s)
	}
}
