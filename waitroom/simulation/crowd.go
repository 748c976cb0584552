package simulation

import (
	"context"
	"errors"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// habit is how somebody behaves.
type habit int

const (
	steady   habit = iota // does as he is told
	silent                // goes away without a word
	leaver                // leaves the line
	wanderer              // closes the page, and comes back with his place
	tardy                 // does not come when he is called, or late
	doubler               // has two tabs, which join at once
	loyal                 // is always sent to the same gateway, also when that is cut off for longer than his grace
)

// fan is a visitor.
type fan struct {
	s     *scene
	v     id.Visitor
	habit habit
	place *waitroom.Place
	shown int64
	polls int
	gone  bool // for good
	in    bool // has been inside
	again bool // comes back once
	by    int  // the gateway that a balancer sends him to while it serves; -1: any
}

// serving picks one of the gateways that serve, or none.
func (s *scene) serving() *gateway {
	from := s.IntN(len(s.gateways))
	for i := range s.gateways {
		if g := s.gateways[(from+i)%len(s.gateways)]; g.serves() {
			return g
		}
	}
	return nil
}

// asks picks the gateway that somebody's polls go to, or none.
func (f *fan) asks() *gateway {
	if f.by >= 0 && f.s.gateways[f.by].serves() {
		return f.s.gateways[f.by]
	}
	return f.s.serving()
}

// ask lets somebody ask one gateway after the other until he has an answer; heard gets it.
func (f *fan) ask(request func(context.Context, *gateway) error, heard func(error)) {
	s := f.s
	again := func() {
		s.After(time.Second+time.Duration(s.Int64N(int64(2*time.Second))), func() { f.ask(request, heard) })
	}
	g := s.serving()
	if g == nil {
		again()
		return
	}
	s.Begin(&g.Process, func() {
		err := request(context.Background(), g)
		switch {
		case s.Float64() < s.trouble: // the answer does not reach him
			again()
		case err == nil || isAnswer(err):
			heard(err)
		default:
			again()
		}
	}, again)
}

// isAnswer reports whether asking again is of no use.
func isAnswer(err error) bool {
	for _, answer := range []error{
		waitroom.ErrNotCalled, waitroom.ErrRoomFull, waitroom.ErrPlaceUsed, waitroom.ErrGraceOver, waitroom.ErrSessionOver, waitroom.ErrPlaceExpired,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

func (f *fan) join() {
	var line waitroom.Line
	var by *gateway
	f.ask(func(ctx context.Context, g *gateway) (err error) {
		by = g
		line, _, err = g.Join(ctx, key.Room, f.v, f.place)
		return err
	}, func(err error) {
		if err != nil {
			f.s.After(time.Second, f.join)
			return
		}
		before := f.shown
		if f.place == nil || f.place.Number != line.Place.Number {
			before = 0
		}
		f.place, f.shown = &line.Place, 0 // a join does not take what was shown
		f.hear(by, line)
		if before > 0 {
			f.shown = min(f.shown, before)
		}
	})
}

// arrive is how somebody comes.
func (f *fan) arrive() {
	if f.habit == doubler {
		f.ask(func(ctx context.Context, g *gateway) error {
			_, _, err := g.Join(ctx, key.Room, f.v, nil)
			return err
		}, func(error) {})
	}
	f.join()
}

// hear is what somebody does who has heard where he stands.
func (f *fan) hear(g *gateway, line waitroom.Line) {
	s := f.s
	switch line.State {
	case waitroom.StandEntered:
		f.enters(line)
	case waitroom.StandCalled:
		s.judge.told(g, line, f.shown)
		f.isCalled()
	case waitroom.StandExpired:
		f.lapsed("expired")
	default:
		s.judge.told(g, line, f.shown)
		s.judge.waits(line.Place.Number, line.PollAfter)
		f.shown = line.Position
		s.After(line.PollAfter+time.Duration(s.Int64N(int64(50*time.Millisecond))), f.poll)
	}
}

func (f *fan) poll() {
	s := f.s
	f.polls++
	switch {
	case f.habit == silent && f.polls > 2:
		f.finish()
		return
	case f.habit == leaver && f.polls > 2:
		f.leave("")
		return
	case f.habit == wanderer && f.polls%4 == 3:
		away := s.UpTo(0, 20*time.Second)
		if s.IntN(3) == 0 {
			away *= 4
		}
		s.After(away, f.join)
		return
	}
	g := f.asks()
	if g == nil {
		s.After(time.Second, f.poll)
		return
	}
	s.count.Polls++
	line, err := g.Poll(*f.place, f.shown)
	switch {
	case errors.Is(err, waitroom.ErrPollTooFast):
		s.judge.waits(f.place.Number, line.PollAfter)
		s.After(line.PollAfter, f.poll)
	case err != nil:
		s.After(time.Second, f.poll)
	default:
		f.hear(g, line)
	}
}

// isCalled is what somebody does who has been called.
func (f *fan) isCalled() {
	s := f.s
	switch f.habit {
	case silent:
		f.finish()
	case tardy:
		f.habit = wanderer // he may have to queue again
		s.After(time.Duration(s.Int64N(int64(s.grace*5/4))), f.enter)
	default:
		s.After(time.Duration(s.Int64N(int64(200*time.Millisecond))), f.enter)
	}
}

func (f *fan) enter() {
	var line waitroom.Line
	s := f.s
	f.ask(func(ctx context.Context, g *gateway) (err error) {
		line, err = g.Enter(ctx, *f.place)
		return err
	}, func(err error) {
		switch {
		case err == nil:
			f.enters(line)
		case errors.Is(err, waitroom.ErrNotCalled): // another gateway knows more
			s.judge.waits(f.place.Number, line.PollAfter)
			s.After(line.PollAfter, f.poll)
		case errors.Is(err, waitroom.ErrRoomFull):
			s.count.Full++
			s.After(line.PollAfter, f.enter)
		default:
			f.lapsed(err.Error())
		}
	})
}

// lapsed is what somebody does whose place is good no more.
func (f *fan) lapsed(word string) {
	if f.habit == steady && !f.s.deaf {
		f.s.judge.say(QueuesOnce, "%v with number %d is answered: %v", f.v, f.place.Number, word)
	}
	f.s.count.Requeued++
	f.s.After(time.Second, f.join)
}

// enters is what somebody does who is inside.
func (f *fan) enters(line waitroom.Line) {
	s := f.s
	f.in = true
	jti := line.Pass
	claims := pass.Claims{Room: key.Room, Run: key.Run, Visitor: f.v, JTI: jti, Number: line.Place.Number, ExpiresAt: line.PassExpiresAt}
	stay := time.Duration(s.ExpFloat64() * float64(s.stay))
	check := func() {
		f.ask(func(ctx context.Context, g *gateway) error { return g.CheckActive(ctx, claims) }, func(error) {})
	}
	if f.habit == doubler {
		f.ask(func(ctx context.Context, g *gateway) error {
			_, err := g.Enter(ctx, *f.place)
			return err
		}, func(error) {})
	}
	if s.IntN(4) == 0 {
		s.After(stay/2, check)
	}
	after := func() { // he tries his old pass and his old place
		check()
		if place := *f.place; s.IntN(8) == 0 {
			f.ask(func(ctx context.Context, g *gateway) error {
				_, err := g.Enter(ctx, place)
				return err
			}, func(err error) {
				if err == nil {
					s.judge.say(UsedOnce, "%v enters with number %d once more", f.v, place.Number)
				}
			})
		}
	}
	switch s.IntN(10) {
	case 0: // stays until his time is up
		s.After(s.UpTo(0, s.session), check)
		s.After(s.session+waitroom.SlotSlack+time.Second, f.end)
	case 1, 2, 3:
		s.After(stay, func() { f.leave(jti) })
	case 4, 5, 6:
		s.After(stay, func() { f.leaveSession(claims, after) })
	default:
		s.After(stay, func() { f.done(jti, after) })
	}
}

// leave gives the place up. jti is that of the session that it has become, if any.
func (f *fan) leave(jti string) {
	f.s.judge.asksOut(jti)
	f.ask(func(ctx context.Context, g *gateway) error { return g.Leave(ctx, *f.place) }, func(err error) {
		f.out(jti, err)
	})
}

func (f *fan) leaveSession(c pass.Claims, after func()) {
	f.s.judge.asksOut(c.JTI)
	f.ask(func(ctx context.Context, g *gateway) error { return g.LeaveSession(ctx, c) }, func(err error) {
		f.out(c.JTI, err)
		after()
	})
}

// done is what the booking core says, maybe once more when nobody thinks of it any longer.
func (f *fan) done(jti string, after func()) {
	f.s.judge.asksOut(jti)
	say := func(heard func(error)) {
		f.ask(func(ctx context.Context, g *gateway) error { return g.Release(ctx, key.Room, f.v, jti) }, heard)
	}
	say(func(err error) {
		f.out(jti, err)
		after()
	})
	if f.s.Float64() < 10*f.s.trouble || f.again {
		f.s.After(time.Duration(f.s.Int64N(int64(20*time.Second))), func() { say(func(error) {}) })
	}
}

func (f *fan) out(jti string, err error) {
	if err == nil {
		f.s.judge.isOut(jti)
	}
	f.end()
}

// end is when somebody has what he came for; some come back once.
func (f *fan) end() {
	if f.again {
		f.again = false
		f.s.After(time.Duration(f.s.Int64N(int64(5*time.Second))), f.join)
		return
	}
	f.finish()
}

func (f *fan) finish() {
	if !f.gone {
		f.gone = true
		f.s.left--
	}
}
