package waitroom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"usher/internal/id"
	"usher/waitroom/pass"
)

// NewVisitor draws a visitor and seals his token.
func (k *Keeper) NewVisitor() (v id.Visitor, sealed string) {
	v = id.NewVisitor()
	return v, k.sealer.SealVisitor(v)
}

// SealPlace returns the token of a place.
func (k *Keeper) SealPlace(p Place) string { return k.sealer.SealPlace(p) }

// Visitor opens a visitor token. ErrVisitorInvalid.
func (k *Keeper) Visitor(sealed string) (id.Visitor, error) { return k.sealer.OpenVisitor(sealed) }

// Place opens a place. ErrPlaceInvalid.
func (k *Keeper) Place(sealed string) (Place, error) { return k.sealer.OpenPlace(sealed) }

// Verify checks a pass. pass.ErrInvalid, ErrExpired, ErrWrongRoom.
func (k *Keeper) Verify(token, room string) (pass.Claims, error) { return k.passes.Verify(token, room) }

// JWKS is the document that third parties verify passes with.
func (k *Keeper) JWKS() []byte { return k.passes.JWKS() }

// Join gives the visitor a place, the same one however often he asks. first says that the number is new. shown is a place that he has, or
// nil. In a passthrough room he is let in at once. ErrRoomNotFound, ErrRoomClosed, ErrLineUnavailable.
func (k *Keeper) Join(ctx context.Context, name string, v id.Visitor, shown *Place) (line Line, first bool, err error) {
	l := (*k.rooms.Load())[name]
	if l == nil {
		return line, false, ErrRoomNotFound
	}
	room := l.seen()
	if room.State != Open && room.State != Paused {
		l.tally.closed.Add(1)
		return Line{Room: room}, false, ErrRoomClosed
	}
	number, issued := int64(-1), k.now().UTC()
	if shown != nil && shown.Room == name && shown.Run == room.Run && shown.Visitor == v {
		number = shown.Number
	}
	j, err := k.join(ctx, l, v, number)
	if err != nil {
		l.tally.count(err)
		return line, false, err
	}
	if j.First {
		l.tally.joins.Add(1)
	}
	if j.Number == number {
		issued = shown.IssuedAt
	}
	p := Place{Room: name, Run: room.Run, Visitor: v, Number: j.Number, IssuedAt: issued.Truncate(time.Millisecond)}
	if room.Method == Passthrough || j.JTI != "" {
		line, err = k.Enter(ctx, p)
		return line, j.First, err
	}
	seen := l.view.Load()
	if seen != nil && j.Number >= seen.BlockEnd {
		seen = k.newer(ctx, l.key, seen)
	}
	line = k.lineAt(l, seen, p, 0, k.now())
	k.heard(l, line)
	return line, j.First, nil
}

// join asks the line for a number, and reserves more numbers when they are spent.
func (k *Keeper) join(ctx context.Context, l *live, v id.Visitor, shown int64) (j Joined, err error) {
	ask := func(ctx context.Context) (err error) {
		j, err = k.queue.Join(ctx, l.key, v, shown)
		return err
	}
	err = k.do(ctx, l.key, ask)
	if errors.Is(err, ErrBlockSpent) {
		w, grown := k.queue.Watch(ctx, l.key)
		if grown == nil {
			grown = k.grow(ctx, l.key, w)
			err = k.do(ctx, l.key, ask)
		}
		if errors.Is(err, ErrBlockSpent) {
			err = fmt.Errorf("%w: %w", ErrLineUnavailable, errors.Join(err, grown))
		}
	}
	return j, err
}

// place returns the live room of a place. ErrRoomNotFound, ErrPlaceExpired.
func (k *Keeper) roomOf(p Place) (*live, error) {
	l := (*k.rooms.Load())[p.Room]
	if l == nil {
		return nil, ErrRoomNotFound
	}
	if room := l.room.Load(); room.Run != p.Run || room.State == Ended {
		return nil, ErrPlaceExpired
	}
	return l, nil
}

// Poll says where a visitor stands, from memory alone: no store, no side effect. shown is the position that he was told last, 0 if none: it
// never rises. ErrPlaceExpired, ErrPollTooFast.
func (k *Keeper) Poll(p Place, shown int64) (Line, error) {
	pollsTotal.Inc()
	l, err := k.roomOf(p)
	if err != nil {
		return Line{}, err
	}
	now := k.now()
	line := k.lineAt(l, l.view.Load(), p, shown, now)
	k.heard(l, line)
	if l.polls.tooSoon(p.Number, now, line.pollBase/4) { // a quarter: two tabs and jitter are no attack
		fastTotal.Inc()
		l.tally.fast.Add(1)
		return line, ErrPollTooFast
	}
	return line, nil
}

// heard notes that somebody who waits is there, and when he was told to ask again.
func (k *Keeper) heard(l *live, line Line) {
	if line.State == StandWaiting || line.State == StandSoldOut {
		l.here.note(line.Place.Number, class(k.waits.speaks(line.PollAfter), k.waits.horizon(&line.Room)))
	}
}

// line words where a place stands.
func (k *Keeper) line(l *live, p Place, shown int64) Line {
	return k.lineAt(l, l.view.Load(), p, shown, k.now())
}

// newer asks how the line stands, for somebody with a number behind the block of the view: it has a fresh block since, and only the line knows whether
// the old one was spent, or lost. Without an answer the view stays.
func (k *Keeper) newer(ctx context.Context, key RunKey, v *view) *view {
	answer := k.once("newer\x00"+key.Room+"\x00"+key.Run, func() (any, error) {
		ctx, cancel := k.within(context.WithoutCancel(ctx), storeTime)
		defer cancel()
		return k.queue.Watch(ctx, key)
	})
	select {
	case <-ctx.Done():
	case r := <-answer:
		if w, ok := r.Val.(Watch); ok && r.Err == nil && w.Watermark >= v.Watermark && w.Next >= v.Next {
			newer := *v
			newer.Watch, newer.heard = w, k.now()
			return &newer
		}
	}
	return v
}

// lineAt is line as a view has it, at a time that has been read already.
func (k *Keeper) lineAt(l *live, v *view, p Place, shown int64, now time.Time) Line {
	room := l.room.Load()
	line := Line{Place: p, State: StandWaiting, Room: *room, UpdatedAt: now.UTC(), TicketsLeft: -1}
	stock := k.latest(room, v)
	if stock.Known {
		line.TicketsLeft = stock.Left
	}
	if v == nil {
		line.Degraded, line.PollAfter, line.pollBase = true, room.pollCap(), room.PollFloor
		line.Position = p.Number + 1 // no more can be ahead; who was told less keeps that
		if shown > 0 {
			line.Position = min(line.Position, shown)
		}
		return line
	}
	line.Room.Waiting, line.Room.Watermark, line.Room.Pace = v.Waiting, v.Watermark, v.perSecond()*60
	line.UpdatedAt = v.heard.UTC()
	line.Degraded = now.Sub(v.heard) > frozenAfter
	if p.Number < v.Watermark {
		line.State, line.EnterBefore = StandCalled, v.enterBefore(p.Number, room.Rules, now)
		line.pollBase = room.PollFloor
		if over := l.over.Load(); over.Incarnation == v.Incarnation && over.Has(p.Number) {
			line.State, line.EnterBefore, line.pollBase = StandExpired, time.Time{}, room.pollCap()
		}
	} else {
		line.Position = v.position(p.Number, shown)
		if stock.SoldOut() {
			line.State = StandSoldOut
		} else if stock.Known {
			line.Odds = odds(stock.Left, line.Position-1+int64(v.Called+v.Active), v.bought, v.Served)
		}
		line.pollBase = pollAfter(line.Position, max(v.perSecond(), room.perSecond()/4), room.PollFloor, room.pollCap())
		if room.State == Open || room.State == Draining {
			turns := line.Position
			if p.Number < v.BlockEnd {
				turns = v.ahead(p.Number)
			}
			line.Estimate = v.estimate(turns, room.perSecond(), line.pollBase, now)
			line.Slower = v.than(v, turns, p.IssuedAt, now)
		}
	}
	line.PollAfter = line.pollBase + time.Duration(k.chance(int64(line.pollBase)/4+1)) // up to a quarter more: the crowd spreads out
	return line
}

// enterBefore is when the turn of a number that has been called lapses. Where only the line knows, because nobody here saw the call or because he has
// asked while the room was full, it is the latest that it may be.
func (v *view) enterBefore(number int64, r Rules, now time.Time) time.Time {
	before := r.comeBy(v.turns.called(number))
	if before.Before(now) {
		before = r.comeBy(now)
	}
	return before
}

// position is how many are ahead who are there, and one; never more than the visitor was shown before. Numbers that were lost with a line's memory
// are nobody.
func (v *view) position(number, shown int64) int64 {
	ahead := min(v.ahead(number)-1, int64(v.Waiting)+v.since(number)) // those who left are not ahead
	at := max(ahead, 0) + 1
	if shown > 0 {
		at = min(at, shown)
	}
	return at
}

// since is how many came before a number, and after those who waited: whoever has joined since the line was watched is not among them. -1 for a
// number that was among them. A number of a later block is of a line that was restored since, and what was left of the block before is nobody.
func (w Watch) since(number int64) int64 {
	switch {
	case number < w.Next:
		return -1
	case number < w.BlockEnd:
		return number - w.Next
	}
	return number - w.BlockEnd
}

// pollAfter is how long a visitor may wait until he asks again: an eighth of his wait, within the room's bounds.
func pollAfter(position int64, perSecond float64, floor, limit time.Duration) time.Duration {
	if perSecond <= 0 {
		return limit
	}
	wait := time.Duration(float64(position) / perSecond / 8 * float64(time.Second))
	return min(max(wait, floor), limit)
}

// Enter turns a called visitor into a session and returns his pass; repeating it returns the same session. The admission is in Postgres
// before the pass leaves. ErrPlaceExpired, ErrNotCalled (with the line as it stands), ErrRoomFull, ErrPlaceUsed, ErrGraceOver,
// ErrLineUnavailable.
func (k *Keeper) Enter(ctx context.Context, p Place) (line Line, err error) {
	l, err := k.roomOf(p)
	if err != nil {
		return line, err
	}
	line, err = k.enter(ctx, l, p)
	l.tally.count(err)
	return line, err
}

// enter is Enter of a room that has been found.
func (k *Keeper) enter(ctx context.Context, l *live, p Place) (line Line, err error) {
	room := *l.room.Load()
	line = k.line(l, p, 0)
	capacity := room.Capacity
	if room.State == Paused {
		capacity = 0 // the right and the turn stay
	}
	var s Session
	err = k.do(ctx, l.key, func(ctx context.Context) (err error) {
		s, err = k.queue.Enter(ctx, l.key, p.Visitor, p.Number, EnterRules{
			JTI: k.newJTI(), Capacity: capacity, Session: room.Session, Free: room.Method == Passthrough,
		})
		return err
	})
	if errors.Is(err, ErrRoomFull) {
		fullTotal.Inc()
		line.State, line.EnterBefore = StandCalled, room.comeBy(k.now())
	}
	if errors.Is(err, ErrNotCalled) {
		k.heard(l, line)
	}
	if err != nil {
		return line, err
	}
	if err := k.admit(ctx, l.key, p.Visitor, s); err != nil {
		if errors.Is(err, ErrLineUnavailable) {
			k.hold(ctx, l.key, p.Visitor, s.JTI, room.Session)
		}
		return line, err
	}
	if s.Fresh {
		entersTotal.Inc()
		l.tally.entered.Add(1)
	}
	line.State, line.Position, line.Estimate = StandEntered, 0, nil
	line.Pass, line.PassExpiresAt, err = k.signed(pass.Claims{
		Room: p.Room, Visitor: p.Visitor, JTI: s.JTI, Number: s.Number, Run: p.Run, IssuedAt: s.Entered,
	}, s.Expires)
	return line, err
}

// hold keeps the slot of somebody whose admission could not be recorded: his session begins when it is. Otherwise a ledger that is away for longer than a
// session lasts would cost him his place.
func (k *Keeper) hold(ctx context.Context, key RunKey, v id.Visitor, jti string, session time.Duration) {
	err := k.do(ctx, key, func(ctx context.Context) error {
		_, err := k.queue.Extend(ctx, key, v, jti, k.now().Add(session))
		return err
	})
	if err != nil && !errors.Is(err, ErrSessionOver) {
		k.log.Warn("a slot is not held", "room", key.Room, "err", err)
	}
}

// admit records an admission before its pass leaves.
func (k *Keeper) admit(ctx context.Context, key RunKey, v id.Visitor, s Session) error {
	ctx, cancel := k.within(ctx, storeTime)
	defer cancel()
	err := k.ledger.Admit(ctx, key, Admission{Visitor: v, Session: s})
	if errors.Is(err, ErrPlaceUsed) {
		if _, e := k.queue.Leave(ctx, key, v, s.Number, s.JTI); e != nil {
			k.log.Warn("a refused session stays until it runs out", "room", key.Room, "err", e)
		}
		return err
	}
	if errors.Is(err, ErrLost) {
		return errors.Join(ErrLineUnavailable, k.mend(ctx, key, s.Incarnation)) // he may try again
	}
	if err != nil {
		k.log.Warn("an admission is not recorded", "room", key.Room, "err", err)
		return errors.Join(ErrLineUnavailable, err) // the slot is his: the next try records it
	}
	return nil
}

func (k *Keeper) signed(c pass.Claims, expires time.Time) (string, time.Time, error) {
	c.IssuedAt, c.ExpiresAt = c.IssuedAt.Truncate(time.Second), expires.Truncate(time.Second).UTC()
	token, err := k.sign(c)
	return token, c.ExpiresAt, err
}

// CheckActive reports whether the session of a verified pass still lives. ErrSessionOver, ErrLineUnavailable.
func (k *Keeper) CheckActive(ctx context.Context, c pass.Claims) error {
	return k.do(ctx, RunKey{c.Room, c.Run}, func(ctx context.Context) error {
		return k.queue.Active(ctx, RunKey{c.Room, c.Run}, c.Visitor, c.JTI)
	})
}

// Renew gives a session as much time again as it began with, up to the room's cap. ErrRenewalNotAllowed, ErrSessionOver.
func (k *Keeper) Renew(ctx context.Context, c pass.Claims) (string, time.Time, error) {
	l := (*k.rooms.Load())[c.Room]
	if l == nil {
		return "", time.Time{}, ErrRoomNotFound
	}
	room := l.room.Load()
	until := k.now().Add(room.Session)
	if limit := c.IssuedAt.Add(room.SessionCap); until.After(limit) {
		until = limit
	}
	if !room.Renewable || !until.After(c.ExpiresAt) {
		return "", time.Time{}, ErrRenewalNotAllowed
	}
	return k.Extend(ctx, c, until)
}

// Extend lets a session last until the given time and returns its new pass. ErrSessionOver.
func (k *Keeper) Extend(ctx context.Context, c pass.Claims, until time.Time) (string, time.Time, error) {
	key := RunKey{c.Room, c.Run}
	if until.Before(c.ExpiresAt) {
		until = c.ExpiresAt
	}
	s := Session{JTI: c.JTI, Number: c.Number, Entered: c.IssuedAt, Expires: until}
	err := k.do(ctx, key, func(ctx context.Context) (err error) {
		s.Incarnation, err = k.queue.Extend(ctx, key, c.Visitor, c.JTI, until)
		return err
	})
	if err != nil {
		return "", time.Time{}, err
	}
	if err := k.admit(ctx, key, c.Visitor, s); errors.Is(err, ErrPlaceUsed) {
		return "", time.Time{}, ErrSessionOver // he has left meanwhile
	} else if err != nil {
		return "", time.Time{}, err
	}
	return k.signed(c, until)
}

// Leave gives a place up, and the session that it has become. Repeating it changes nothing. ErrLineUnavailable: he may not
// have left, or may be out only as long as the line remembers that.
func (k *Keeper) Leave(ctx context.Context, p Place) error {
	l, err := k.roomOf(p)
	if err != nil {
		return nil // the run is over: there is nothing to leave
	}
	err = k.end(ctx, RunKey{p.Room, p.Run}, Admission{p.Visitor, Session{Number: p.Number}})
	if err == nil {
		l.here.note(p.Number, hereLeft)
	}
	return err
}

// LeaveSession ends the session of a pass; its slot is free two seconds later. ErrLineUnavailable.
func (k *Keeper) LeaveSession(ctx context.Context, c pass.Claims) error {
	return k.end(ctx, RunKey{c.Room, c.Run}, Admission{c.Visitor, Session{JTI: c.JTI, Number: c.Number, Entered: c.IssuedAt}})
}

// Release ends a session because the booking core says that it is done. A session that is not the one with the jti stays. ErrLineUnavailable.
func (k *Keeper) Release(ctx context.Context, room string, v id.Visitor, jti string) error {
	l := (*k.rooms.Load())[room]
	if l == nil || jti == "" {
		return nil
	}
	return k.end(ctx, l.key, Admission{v, Session{JTI: jti, Number: -1}})
}

// end ends a session, or a waiting, in the line, and a session in the ledger, too. While that is away the line keeps the end, and it is noted later.
func (k *Keeper) end(ctx context.Context, key RunKey, a Admission) error {
	var over Session
	err := k.do(ctx, key, func(ctx context.Context) (err error) {
		over, err = k.queue.Leave(ctx, key, a.Visitor, a.Number, a.JTI)
		return err
	})
	if over.JTI != "" {
		a.Session = over
	}
	if err != nil || a.JTI == "" { // without a session: he has only waited
		return err
	}
	if err = k.done(ctx, key, a); err != nil {
		err = fmt.Errorf("%w: %w", ErrLineUnavailable, err) // what one store knows alone he is not told
	}
	return err
}

// done notes the end of a session in the ledger, and then in the line again: that may have been restored in between from what the ledger knew before, or be
// about to be, and whoever has left must not go on with his old pass.
func (k *Keeper) done(ctx context.Context, key RunKey, a Admission) (err error) {
	noting, cancel := k.within(ctx, storeTime)
	defer cancel()
	if a.Incarnation, err = k.ledger.Done(noting, key, a); err != nil {
		return err
	}
	return k.do(ctx, key, func(ctx context.Context) error { return k.queue.Noted(ctx, key, a) })
}
