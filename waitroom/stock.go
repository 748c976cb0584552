package waitroom

import (
	"math"

	"usher/internal/id"
)

// Stock is what is for sale behind a room, as some moment knew it. The zero Stock is not known: what is not known is not sold out.
type Stock struct {
	Known   bool
	Left    int   // tickets that nobody has paid for and nobody is paying for: free, held or reserved
	Sold    int   // tickets that are paid for
	Version int64 // counts the changes: of two stocks of the same events the one with the higher version is the later
}

// SoldOut reports whether it is known that nothing is left.
func (s Stock) SoldOut() bool { return s.Known && s.Left <= 0 }

// later returns the later of two stocks.
func later(a, b Stock) Stock {
	if b.Known && (!a.Known || b.Version > a.Version) {
		return b
	}
	return a
}

const (
	// priorServed people who buy a ticket each are believed to have been served before anybody was: so few count little after a minute of a sale, and
	// until then the first ones who buy nothing let nobody be called in vain.
	priorServed = 20
	priorBought = 20
	leastBought = 0.05 // of a ticket: however few buy, nobody is called in vain by more than twenty times what is left
)

// ServedWindow is how many people are through before a line's measure of what they buy forgets those before them: it goes by 100 to 200.
const ServedWindow = 100

// bought is how many tickets a person who is called buys: those who do not come and those who buy nothing count, too. served people are through and
// have bought so many tickets; with few of them it is near one ticket a person (the mean of a gamma distribution that begins with 20 people who bought one
// each: A. Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, section 2.6). Never below 0.05.
func bought(served, tickets int64) float64 {
	return max(leastBought, float64(max(0, tickets)+priorBought)/float64(max(0, served)+priorServed))
}

// MayBuy is how many people may be inside or on their way while so many tickets are left and so many people may try for each; at least one while there is a
// ticket.
func MayBuy(left int, perTicket float64) int {
	if left <= 0 {
		return 0
	}
	return max(1, int(math.Floor(float64(left)*perTicket)))
}

// Odds is what somebody who waits may hope for.
type Odds struct {
	Wanted  int // tickets that those before him will buy, as people have bought lately, and those who are inside or on their way
	Percent int // how likely one is left when it is his turn: in steps of five, for more would be more than we know; 1 for less, 99 for more
}

// odds estimates them: before him are so many people, of whom each buys so much, measured by served people. What they buy is about normal; its
// variance is that of purchases that come by chance (Poisson: a little too much where most buy one, a little too little where few buy many), and that of the mean
// itself.
func odds(left int, ahead int64, each float64, served int64) Odds {
	people := float64(max(0, ahead))
	wanted := people * each
	spread := each*people + people*people*each/float64(max(0, served)+priorServed)
	z := (float64(left) - 0.5 - wanted) / math.Sqrt(max(spread, 0.25))
	chance := 0.5 * math.Erfc(-z/math.Sqrt2)
	return Odds{Wanted: int(math.Round(wanted)), Percent: int(min(99, max(1, 5*math.Round(chance*20))))}
}

// SetStock tells what is left to sell of an event; what is older than what is known changes nothing. At zero nobody is called any more, until some come back.
func (k *Keeper) SetStock(e id.Event, s Stock) {
	for {
		known, first := k.stock.LoadOrStore(e, s)
		if !first {
			return
		}
		if before, _ := known.(Stock); before.Version > s.Version || before == s || k.stock.CompareAndSwap(e, known, s) {
			return
		}
	}
}

// stockOf is what this gateway knows of the stock behind a room: not known, unless it is of every event.
func (k *Keeper) stockOf(r *Room) (sum Stock) {
	if len(r.Events) == 0 {
		return Stock{}
	}
	sum.Known = true
	for _, e := range r.Events {
		known, ok := k.stock.Load(e)
		s, _ := known.(Stock)
		if !ok || !s.Known {
			return Stock{}
		}
		sum.Left, sum.Sold, sum.Version = sum.Left+s.Left, sum.Sold+s.Sold, sum.Version+s.Version
	}
	return sum
}

// latest is the latest that this gateway knows, or the line: what another gateway has heard, or this one before it was started again.
func (k *Keeper) latest(r *Room, v *view) Stock {
	own := k.stockOf(r)
	if v == nil || len(r.Events) == 0 {
		return own
	}
	return later(own, v.Stock)
}
