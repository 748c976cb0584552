package linetest

import (
	"math"
	"time"

	"usher/waitroom"
)

// selling are rules of a room that sells: so much is left and sold, as of that version, and a person buys a ticket.
func selling(left, sold int, version int64) waitroom.CallRules {
	r := rules(1000)
	r.Stock, r.PerTicket = waitroom.Stock{Known: true, Left: left, Sold: sold, Version: version}, 1
	return r
}

func nobodyIsCalledWhenNothingIsLeft(s *scene) {
	s.crowd(20)
	w := s.call(selling(0, 50, 7))
	s.want(w.Watermark == 0 && w.Stock == waitroom.Stock{Known: true, Sold: 50, Version: 7}, "with nothing left: %+v", w)
	w = s.call(selling(2, 48, 8))
	s.want(w.Watermark == 2, "two tickets came back, and the watermark is %d, want 2", w.Watermark)
	w = s.call(selling(0, 50, 9))
	s.want(w.Watermark == 2, "they are gone again, and the watermark is %d, want 2", w.Watermark)
	w = s.call(selling(50, 0, 10))
	s.want(w.Watermark == 20, "with fifty back the watermark is %d, want 20", w.Watermark)
}

// noMoreAreCalledThanMayBuy: whoever is inside or expected counts; who does not come, or is through, makes room for the next.
func noMoreAreCalledThanMayBuy(s *scene) {
	s.crowd(40)
	r := selling(6, 0, 1)
	r.PerTicket = 1.5
	w := s.call(r)
	s.want(w.Watermark == 9, "six tickets and one and a half people for each: the watermark is %d, want 9", w.Watermark)
	inside := s.enter(0, 1000)
	for n := 1; n < 5; n++ {
		s.enter(n, 1000)
	}
	w = s.call(r)
	s.want(w.Watermark == 9, "five have entered, and the watermark is %d, want 9", w.Watermark)
	s.leave(0, 0, inside.JTI)
	s.pass(waitroom.Linger)
	w = s.call(r)
	s.want(w.Watermark == 10, "one is through, and the watermark is %d, want 10", w.Watermark)
	s.pass(expect)
	w = s.call(r)
	s.want(w.Watermark == 15, "five did not come, and the watermark is %d, want 15", w.Watermark)
	r.PerTicket = 0.1
	r.Stock = waitroom.Stock{Known: true, Left: 3, Version: 2}
	s.pass(session + waitroom.SlotSlack)
	w = s.call(r)
	s.want(w.Watermark == 16, "for three tickets and ten of them a person one is called: the watermark is %d, want 16", w.Watermark)
}

// theLatestStockCounts, whichever gateway has heard of it; and what is not known is not zero.
func theLatestStockCounts(s *scene) {
	s.crowd(40)
	s.call(selling(0, 9, 5))
	w := s.call(selling(9, 0, 4))
	s.want(w.Watermark == 0, "a gateway that is behind let %d be called", w.Watermark)
	w = s.call(rules(10))
	s.want(w.Watermark == 0 && w.Stock.Known, "a gateway that knows nothing, like one that was just started, let %d be called", w.Watermark)
	s.call(selling(0, 9, 5))
	s.pass(5 * time.Second)
	w = s.call(selling(3, 0, 4)) // the room has other events
	s.want(w.Watermark == 3 && w.Stock.Version == 4, "what nobody confirms was believed for more than five seconds: %+v", w)
	s.call(selling(0, 9, 5))
	s.pass(time.Minute)
	w = s.call(rules(10))
	s.want(w.Watermark == 13 && !w.Stock.Known, "a minute later nobody knows of any stock: %+v", w)
}

// whatPeopleBuyIsMeasured: by those who were called lately and are through.
func whatPeopleBuyIsMeasured(s *scene) {
	s.crowd(350)
	sold := 7
	w := s.call(selling(1000, sold, 1))
	s.want(w.Served == 0 && w.Bought == 0, "before anybody is through: %+v", w)
	for n := range 350 {
		inside := s.enter(n, 1000)
		s.leave(n, int64(n), inside.JTI)
		if sold += 2; n%50 == 49 {
			s.pass(waitroom.Linger)
			w = s.call(selling(1000-sold, sold, int64(sold)))
			served := min(int64(n+1), int64(n+1)%waitroom.ServedWindow+waitroom.ServedWindow)
			s.want(w.Served == served && w.Bought == 2*served, "%d are through, and bought two each: %d and %d, want %d and %d", n+1, w.Served, w.Bought, served, 2*served)
		}
	}
	s.want(s.watch().Watermark == 350, "not everybody was called: %+v", s.watch())
	w = s.call(selling(1000, 3, math.MaxInt32)) // other events
	s.want(w.Served == 0 && w.Bought == 0, "fewer tickets are sold than were, and the measure goes on: %+v", w)
}
