package waitroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"usher/internal/id"
	"usher/waitroom/pace"
	"usher/waitroom/pass"
)

const (
	callEvery   = 250 * time.Millisecond
	roomsEvery  = time.Second / 2 // so that a change is known within a second
	noteEvery   = time.Second
	lapsesEvery = time.Second
	storeTime   = 2 * time.Second
	restoreTime = 30 * time.Second // a line of a million admissions takes some
	blockSize   = 500_000          // numbers reserved ahead: 25 s of 20,000 joins a second, renewed when half is spent
	ceilingFor  = 10 * time.Second // how far the ceiling runs ahead of the watermark
	ceilingAge  = 3 * time.Second  // what was noted so long ago holds nobody up: while Postgres is away the line goes on
	frozenAfter = 3 * time.Second  // without an answer from the line, everybody is told
	noCeiling   = int64(1) << 52
)

var (
	pollsTotal   = metrics.NewCounter("usher_line_polls_total")
	fastTotal    = metrics.NewCounter("usher_line_polls_too_fast_total")
	entersTotal  = metrics.NewCounter("usher_line_enters_total")
	fullTotal    = metrics.NewCounter("usher_line_full_total")
	restoreTotal = metrics.NewCounter("usher_line_restores_total")
)

// Keeper keeps the rooms of one gateway: it holds each line's state in memory for the polls, moves the watermarks a few times a
// second together with the keepers of other gateways, and does what needs the stores. Make it with NewKeeper, Read the rooms before anybody
// is served, and Run it.
type Keeper struct {
	queue   Queue
	ledger  Ledger
	sealer  *Sealer
	passes  *pass.Authority
	log     *slog.Logger
	now     func() time.Time
	rooms   atomic.Pointer[map[string]*live]
	events  atomic.Pointer[map[id.Event]*live]
	reload  sync.Mutex                       // one refresh at a time
	keepers func(keep func(context.Context)) // runs keep in the group of Run; before Run, when that begins
	early   []func(context.Context)          // rooms that were read before Run
	stock   sync.Map                         // id.Event → Stock
	health  func() pace.Health               // of what is behind the doors

	// What a driven keeper has otherwise.
	block  int64                                                                 // numbers reserved ahead
	once   func(line string, ask func() (any, error)) <-chan singleflight.Result // shares what is under way for a line
	within func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	sign   func(pass.Claims) (string, error)
	newJTI func() string
	chance func(n int64) int64 // from 0 to below n
	waits  Patience            // what it takes to be gone
}

// live is a room as this gateway sees it.
type live struct {
	room  atomic.Pointer[Room]
	view  atomic.Pointer[view] // nil: the line was never heard of
	noted atomic.Pointer[noted]
	over  atomic.Pointer[over]
	tried time.Time // when it was tried last to note something; only note knows
	trust trust     // only step knows
	slows slowing   // as does this
	pacer pacer     // and this
	polls *pollTimes
	tally tally
	here  *here
	crowd atomic.Pointer[crowd] // nil: nothing was shared yet
	share presence              // only share knows
	key   RunKey
	stop  func() // ends the keeping of this run
}

// noted is what stands in the ledger.
type noted struct {
	at      time.Time // by our clock; in the beginning, when the keeping began
	ceiling int64     // the watermark may go so far; 0 before the first note
}

// over is whose turns have lapsed, and where the line stood when that was read.
type over struct {
	Lapses
	of Watch
	at time.Time // by our clock
}

// view is what polls read: never changed, only replaced.
type view struct {
	Watch
	heard  time.Time // by our clock
	speed  speed
	pace   float64 // of speed, and moved: every poll asks for them
	moved  int64
	stands bool // nobody is called, though the limit of the pace allows it and somebody waits
	turns  turns
	reach  reach
	bought float64 // tickets a person who is called
	slower
	crowd *crowd
	gone  int64 // of those who were called, since this gateway began
}

// perSecond is how many people are called a second, 0 while it is not known: nobody stands in a hole.
func (v *view) perSecond() float64 { return v.pace }

// over moves a ceiling as far on as the holes below it are wide: to pass them costs no time.
func (v *view) over(ceiling int64) int64 {
	for _, h := range v.Holes {
		if h.Past > v.Watermark && h.From < ceiling {
			ceiling += h.Past - max(h.From, v.Watermark)
		}
	}
	return ceiling
}

// NewKeeper returns a keeper. passes signs and verifies, sealer seals places.
func NewKeeper(queue Queue, ledger Ledger, sealer *Sealer, passes *pass.Authority, log *slog.Logger) *Keeper {
	k := &Keeper{queue: queue, ledger: ledger, sealer: sealer, passes: passes, log: log, now: time.Now, block: blockSize}
	k.once, k.within, k.sign, k.chance = new(singleflight.Group).DoChan, context.WithTimeout, passes.Sign, rand.Int64N
	k.health = func() pace.Health { return pace.Health{} }
	k.newJTI, k.waits = func() string { return id.NewKey().String() }, Patient()
	k.keepers = func(keep func(context.Context)) { k.early = append(k.early, keep) }
	k.rooms.Store(&map[string]*live{})
	k.events.Store(&map[id.Event]*live{})
	return k
}

// GoBy lets the keeper go by a clock that is not the machine's. Call it before Read.
func (k *Keeper) GoBy(clock func() time.Time) { k.now = clock }

// Run keeps the rooms until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	k.reload.Lock()
	k.keepers = func(keep func(context.Context)) { g.Go(func() error { keep(ctx); return nil }) }
	for _, keep := range k.early {
		k.keepers(keep)
	}
	k.early = nil
	k.reload.Unlock()
	g.Go(func() error {
		tick := time.NewTicker(roomsEvery)
		defer tick.Stop()
		for {
			if err := k.Read(ctx); err != nil && ctx.Err() == nil {
				k.log.Warn("rooms are not reloaded", "err", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	return g.Wait()
}

// Read reads the rooms and starts to keep those that are new. Until it has succeeded once, no event is guarded and no room is known: a gateway that
// served before would let everybody past the line.
func (k *Keeper) Read(ctx context.Context) error {
	k.reload.Lock()
	defer k.reload.Unlock()
	asking, cancel := k.within(ctx, storeTime)
	defer cancel()
	all, err := k.ledger.Rooms(asking)
	if err != nil {
		return err
	}
	before, rooms, events := *k.rooms.Load(), map[string]*live{}, map[id.Event]*live{}
	for _, r := range all {
		r.Active = r.State != Ended
		l := before[r.Room]
		if l == nil || l.key.Run != r.Run {
			if l != nil {
				l.stop()
			}
			l = k.start(r)
		}
		l.room.Store(&r)
		rooms[r.Room] = l
		for _, e := range r.Events {
			events[e] = l
		}
	}
	for name, l := range before {
		if rooms[name] == nil {
			l.stop()
		}
	}
	k.rooms.Store(&rooms)
	k.events.Store(&events)
	return nil
}

// start begins to keep a run of a room.
func (k *Keeper) start(r Room) *live {
	stopped := make(chan struct{})
	l := &live{key: RunKey{r.Room, r.Run}, polls: newPollTimes(k.now()), trust: newTrust(r.Room), here: &here{}, stop: sync.OnceFunc(func() { close(stopped) })}
	l.share = presence{Patience: k.waits, name: k.newJTI(), here: l.here, start: k.now()}
	l.room.Store(&r)
	l.noted.Store(&noted{at: k.now()})
	l.over.Store(&over{})
	k.keepers(func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-stopped:
				cancel()
			case <-ctx.Done():
			}
		}()
		k.keep(ctx, l)
	})
	return l
}

// keep moves one room's watermark and follows its line until ctx ends; beside that it keeps the ledger, which may hang and stop nobody, and shares with other
// gateways who is there.
func (k *Keeper) keep(ctx context.Context, l *live) {
	var all sync.WaitGroup
	all.Go(func() { k.repeat(ctx, l, k.step, "the line does not move") })
	all.Go(func() { k.repeat(ctx, l, k.note, "the ledger does not follow the line") })
	all.Go(func() { k.repeat(ctx, l, k.share, "nobody hears who is there") })
	all.Wait()
	if err := k.bye(context.WithoutCancel(ctx), l); err != nil {
		k.log.Warn("the other gateways wait for this one for a while: nobody is taken for gone", "room", l.key.Room, "err", err)
	}
}

// repeat takes a turn of a room a few times a second until ctx ends.
func (k *Keeper) repeat(ctx context.Context, l *live, turn func(context.Context, *live) error, complaint string) {
	tick := time.NewTicker(callEvery)
	defer tick.Stop()
	for {
		if err := turn(ctx, l); err != nil && ctx.Err() == nil {
			k.log.Warn(complaint, "room", l.key.Room, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// step is one turn of a room's line: call, and restore it if it has lost its memory.
func (k *Keeper) step(ctx context.Context, l *live) error {
	ctx, cancel := k.within(ctx, storeTime)
	defer cancel()
	room := *l.room.Load()
	if room.State == Ended {
		return k.look(ctx, l)
	}
	rules := CallRules{
		Capacity: room.Capacity, Grace: room.GraceAt(k.now()), Expect: 4*room.PollFloor + 5*time.Second,
		Ceiling: l.ceiling(k.now()), Closed: room.State != Open && room.State != Draining,
		Stock: k.stockOf(&room), PerTicket: 1 / bought(0, 0),
	}
	if v := l.view.Load(); v != nil {
		rules.PerTicket = 1 / v.bought
	}
	k.ask(l, &room, &rules)
	rules.Burst = max(1, rules.PerSecond*2*callEvery.Seconds())
	if c, v := l.crowd.Load(), l.view.Load(); c != nil && v != nil && k.now().Sub(c.at) <= k.waits.Hearing {
		rules.Gone = c.near(v.Watermark)
	}
	w, err := k.queue.Call(ctx, l.key, rules)
	if errors.Is(err, ErrLost) {
		if err := k.recover(ctx, l.key); err != nil {
			return err
		}
		rules.Ceiling = l.ceiling(k.now())
		w, err = k.queue.Call(ctx, l.key, rules)
	}
	if err != nil {
		return err
	}
	l.see(w, k.now())
	return k.lapses(ctx, l, w)
}

// share is one turn of a room's presence: tell the other gateways who is there, hear it from them, and find out who is gone.
func (k *Keeper) share(ctx context.Context, l *live) error {
	v, room, p, now := l.view.Load(), l.room.Load(), &l.share, k.now()
	if v == nil || room.State == Ended || now.Sub(p.tried) < shareEvery {
		return nil
	}
	ctx, cancel := k.within(ctx, storeTime)
	defer cancel()
	p.tried = now
	p.follow(k.waits.horizon(room), now)
	s, err := k.queue.Share(ctx, l.key, p.tell(v.Watch, now, false))
	now = k.now()
	if err != nil {
		p.keep()
	} else if !p.hear(s, now) {
		p.tried = time.Time{}
	}
	if p.turn > 0 { // until the others have heard of this gateway nobody is to ask it
		l.crowd.Store(p.judge(v.Watch, now))
	}
	if errors.Is(err, ErrLost) {
		return nil // step restores the line
	}
	return err
}

// bye tells the other gateways what they do not know yet, and that there is no more to come.
func (k *Keeper) bye(ctx context.Context, l *live) error {
	v, p := l.view.Load(), &l.share
	if v == nil || p.turn == 0 {
		return nil
	}
	ctx, cancel := k.within(ctx, storeTime/2)
	defer cancel()
	_, err := k.queue.Share(ctx, l.key, p.tell(v.Watch, k.now(), true))
	if errors.Is(err, ErrLost) {
		return nil
	}
	return err
}

// horizon is the longest that a poll speaks for somebody in a room.
func (p Patience) horizon(r *Room) time.Duration { return p.speaks(r.pollCap() + r.pollCap()/4) }

// speaks is how long a poll speaks for somebody who is told to ask again after a time.
func (p Patience) speaks(after time.Duration) time.Duration {
	return time.Duration(p.Intervals*float64(after)) + p.Slack
}

// pollCap is the longest that anybody is told to wait until he asks again, less its jitter: he may ask four times within the grace.
func (r *Room) pollCap() time.Duration { return max(r.PollFloor, min(r.PollCap, r.Grace/4)) }

// look is the turn of a room that has ended: its line is not called, so that it comes to its end, and not restored unless somebody asks for it.
func (k *Keeper) look(ctx context.Context, l *live) error {
	w, err := k.queue.Watch(ctx, l.key)
	if errors.Is(err, ErrLost) {
		return nil
	}
	if err == nil {
		l.see(w, k.now())
	}
	return err
}

// lapses reads whose turns have lapsed when there are others than were read last.
func (k *Keeper) lapses(ctx context.Context, l *live, w Watch) error {
	last, now := l.over.Load(), k.now()
	if last.of.Incarnation == w.Incarnation && last.of.Lapsed == w.Lapsed && last.of.Over == w.Over || now.Sub(last.at) < lapsesEvery {
		return nil
	}
	read, err := k.queue.Lapses(ctx, l.key)
	if err != nil {
		return err
	}
	l.over.Store(&over{read, w, now})
	return nil
}

// note is one turn of a room's ledger: note how far the line is and may go, keep enough numbers reserved, open the room when its time has come.
func (k *Keeper) note(ctx context.Context, l *live) (err error) {
	ctx, cancel := k.within(ctx, storeTime)
	defer cancel()
	room := *l.room.Load()
	if v := l.view.Load(); v != nil && room.State == Ended {
		if v.Ends > 0 {
			err = k.noteEnds(ctx, l.key)
		}
	} else if v != nil {
		if now := k.now(); now.Sub(l.tried) >= noteEvery {
			l.tried = now
			ceiling := v.over(v.Watermark + int64(math.Ceil(room.perSecond()*ceilingFor.Seconds())) + 1)
			err = k.ledger.Note(ctx, l.key, v.Incarnation, v.Next, ceiling)
			if err != nil {
				l.tally.unnoted.Add(1)
			}
			if err == nil {
				l.noted.Store(&noted{now, ceiling})
			} else if errors.Is(err, ErrLost) {
				l.noted.Store(&noted{now, l.noted.Load().ceiling}) // the ledger is there, and the ceiling stays where it is
				err = k.mend(ctx, l.key, v.Incarnation)
			}
			if err == nil && v.Ends > 0 {
				err = k.noteEnds(ctx, l.key)
			}
		}
		if v.BlockEnd-v.Next < k.block/2 {
			err = errors.Join(err, k.grow(ctx, l.key, v.Watch))
		}
	}
	if room.State == Scheduled && !room.OpensAt.IsZero() && !k.now().Before(room.OpensAt) {
		if e := k.ledger.SetState(ctx, room.Room, Scheduled, Open); !errors.Is(e, ErrInvalidTransition) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// noteEnds notes sessions that have ended while the ledger was away, or at a gateway that is no more.
func (k *Keeper) noteEnds(ctx context.Context, key RunKey) error {
	ends, err := k.queue.Ends(ctx, key)
	for _, a := range ends {
		if err = k.done(ctx, key, a); err != nil {
			break
		}
	}
	return err
}

// ceiling is how far the watermark may go: as far as the ledger knows, or, while that does not answer, as far as it likes.
func (l *live) ceiling(now time.Time) int64 {
	if n := l.noted.Load(); now.Sub(n.at) < ceilingAge {
		return n.ceiling
	}
	return noCeiling
}

// perSecond is the limit of the pace in calls a second.
func (r Room) perSecond() float64 { return r.CallsPerMinute / 60 }

// see takes a newer state of the line. Neither the watermark nor what was given out ever goes back, though the line does that was restored too late.
func (l *live) see(w Watch, now time.Time) {
	v, before := &view{Watch: w, heard: now, bought: bought(w.Served, w.Bought), crowd: l.crowd.Load()}, now
	if old := l.view.Load(); old != nil {
		v.Watermark, v.Next = max(v.Watermark, old.Watermark), max(v.Next, old.Next)
		v.speed, v.turns = old.speed, old.turns
		v.gone = old.gone + v.crowd.gone(old.Watermark, v.Watermark)
		before = old.heard
	}
	room := l.room.Load()
	if l.trust.anew(room) {
		v.speed = speed{}
	}
	v.speed = v.speed.add(now, v.Watermark, v.gone)
	v.pace, v.moved = v.speed.perSecond(v.Hollow), v.speed.moved(v.Hollow)
	v.stands = v.moved == 0 && v.Waiting > 0 && v.speed.span().Seconds()*room.perSecond() >= standsLeast
	v.turns = v.turns.add(now, before, v.Watermark, room.GraceAt(now))
	l.trust.see(v, room, before, now)
	v.slower = l.slows.see(v, room, before, now)
	l.view.Store(v)
}

// grow reserves more numbers for a line that was seen so.
func (k *Keeper) grow(ctx context.Context, key RunKey, w Watch) error {
	end, err := k.ledger.Reserve(ctx, key, w.Incarnation, w.Next+k.block)
	if errors.Is(err, ErrLost) {
		return k.mend(ctx, key, w.Incarnation)
	}
	if err != nil {
		return err
	}
	return k.queue.Grow(ctx, key, w.Incarnation, end)
}

// mend restores a line whose incarnation the ledger says is over, if it still stands: somebody restored it who came too late, and it knows neither
// everybody who is inside nor all numbers that were given out.
func (k *Keeper) mend(ctx context.Context, key RunKey, incarnation int64) error {
	w, err := k.queue.Watch(ctx, key)
	if errors.Is(err, ErrLost) || err == nil && w.Incarnation == incarnation {
		return k.recover(ctx, key)
	}
	return err
}

// recover gives a line that has lost its memory what the ledger knows; several gateways may try. nil: the line may be asked again, also when
// another gateway is about to restore it.
func (k *Keeper) recover(ctx context.Context, key RunKey) error {
	done := k.once(key.Room+"\x00"+key.Run, func() (any, error) {
		ctx, cancel := k.within(context.WithoutCancel(ctx), restoreTime) // whoever asked first may have no time left
		defer cancel()
		count := func() {}
		seen := &view{} // what this gateway has told people is not taken back
		if l := (*k.rooms.Load())[key.Room]; l != nil && l.key == key {
			count = func() { l.tally.restored.Add(1) }
			if v := l.view.Load(); v != nil {
				seen = v
			}
		}
		if err := k.queue.Writable(ctx, key); err != nil { // a fresh block is not spent on a line that cannot be restored
			return nil, err
		}
		m, err := k.ledger.Recover(ctx, key, seen.Next, k.block)
		if errors.Is(err, ErrRecovering) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		m.Watermark = min(max(m.Watermark, seen.Watermark), m.Limit)
		restoreTotal.Inc()
		count()
		if m.Incarnation > 1 {
			k.log.Warn("the line is restored", "room", key.Room, "incarnation", m.Incarnation, "watermark", m.Watermark, "sessions", len(m.Sessions))
		}
		return nil, k.queue.Restore(ctx, key, m)
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r := <-done:
		return r.Err
	}
}

// do runs a step of the line, and restores the line first if it has lost its memory.
func (k *Keeper) do(ctx context.Context, key RunKey, step func(context.Context) error) error {
	ctx, cancel := k.within(ctx, storeTime)
	defer cancel()
	err := step(ctx)
	if errors.Is(err, ErrLost) {
		if err := k.recover(ctx, key); err != nil {
			return fmt.Errorf("%w: %w", ErrLineUnavailable, err)
		}
		err = step(ctx)
	}
	if errors.Is(err, ErrLost) || errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrLineUnavailable, err)
	}
	return err
}

// Ready reports whether the line of every room that has not ended has been heard of.
func (k *Keeper) Ready() error {
	rooms := *k.rooms.Load()
	for name, l := range rooms {
		if (l.view.Load() == nil || l.crowd.Load() == nil) && l.room.Load().State != Ended {
			return fmt.Errorf("the line of room %q has not been heard of", name)
		}
	}
	return nil
}

// Room returns a room with the state of its line.
func (k *Keeper) Room(name string) (Room, error) {
	l := (*k.rooms.Load())[name]
	if l == nil {
		return Room{}, ErrRoomNotFound
	}
	return l.seen(), nil
}

// Rooms returns all rooms, by name.
func (k *Keeper) Rooms() []Room {
	var out []Room
	for _, l := range *k.rooms.Load() {
		out = append(out, l.seen())
	}
	slices.SortFunc(out, func(a, b Room) int {
		if a.Room < b.Room {
			return -1
		}
		return 1
	})
	return out
}

// RoomOf returns the room that guards an event.
func (k *Keeper) RoomOf(e id.Event) (Room, bool) {
	l := (*k.events.Load())[e]
	if l == nil {
		return Room{}, false
	}
	return l.seen(), true
}

// seen is the room with what was last heard of its line.
func (l *live) seen() Room {
	r := *l.room.Load()
	if v := l.view.Load(); v != nil {
		r.Waiting, r.Watermark, r.Pace, r.UpdatedAt = v.Waiting, v.Watermark, v.perSecond()*60, v.heard.UTC()
	}
	return r
}

// Stats is what an operator watches.
type Stats struct {
	Watch
	CallsPerMinute float64 // as measured
	PacePerMinute  float64 // as the gateways ask for
	NoShowShare    float64 // of those called, how many have not entered; 0 while nobody was called
	Frozen         bool
}

// Stats returns a room's figures. ErrRoomNotFound.
func (k *Keeper) Stats(name string) (s Stats, err error) {
	l := (*k.rooms.Load())[name]
	if l == nil {
		return s, ErrRoomNotFound
	}
	v := l.view.Load()
	if v == nil {
		return Stats{Frozen: true}, nil
	}
	s = Stats{Watch: v.Watch, CallsPerMinute: v.perSecond() * 60, PacePerMinute: v.Pace * 60, Frozen: k.now().Sub(v.heard) > frozenAfter}
	if called := v.Watermark - v.Hollow(0, v.Watermark); called > 0 {
		s.NoShowShare = max(0, 1-float64(v.Entered+int64(v.Called))/float64(called))
	}
	return s, nil
}
