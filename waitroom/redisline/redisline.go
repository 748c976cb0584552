// Package redisline is the line in Redis: sorted sets and one script for each step. See package waitroom for the promises.
//
//	usher:{room}:run:meta      hash    watermark, next number, end of the block, token bucket, holes, incarnation, run id of the Redis
//	usher:{room}:run:line      zset    visitor → number: everybody who has not entered
//	usher:{room}:run:called    zset    number → when it was called, or asked last
//	usher:{room}:run:active    zset    visitor → when his slot is free
//	usher:{room}:run:sessions  hash    visitor → jti, number, when he entered, when he left (0: he has not)
//	usher:{room}:run:used      bitmap  numbers that have entered or left
//	usher:{room}:run:lapsed    bitmap  numbers that were called and did not come
//	usher:{room}:run:asking    zset    number → number: called, asked while the room was full
//	usher:{room}:run:asked     zset    number → when it asked last
//	usher:{room}:run:ends      hash    number → visitor, jti, when he entered: sessions that are over, until Postgres knows
//	usher:{room}:run:passed    zset    number → when it was called as gone: those of called who have not come
//	usher:{room}:run:news      list    what gateways have told each other in the last seconds, each with its time
//	usher:{room}:run:gateways  zset    gateway → when it told something last, for an hour
//
// Scripts are repeatable by visitor. All times are those of Redis. Keys of a run that is not called for three days end by themselves.
package redisline

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/redis/go-redis/v9"

	"usher/internal/batch"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/waitroom"
)

var (
	//go:embed now.lua
	nowLua string
	//go:embed turn.lua
	turnLua string
	//go:embed dug.lua
	dugLua string
	//go:embed keep.lua
	keepLua string
	//go:embed stand.lua
	standLua string
	//go:embed join.lua
	joinLua string
	//go:embed grow.lua
	growLua string
	//go:embed stock.lua
	stockLua string
	//go:embed call.lua
	callLua string
	//go:embed share.lua
	shareLua string
	//go:embed watch.lua
	watchLua string
	//go:embed lapses.lua
	lapsesLua string
	//go:embed enter.lua
	enterLua string
	//go:embed close.lua
	closeLua string
	//go:embed leave.lua
	leaveLua string
	//go:embed ends.lua
	endsLua string
	//go:embed noted.lua
	notedLua string
	//go:embed extend.lua
	extendLua string
	//go:embed restore.lua
	restoreLua string
)

var (
	joinsTotal     = metrics.NewCounter("usher_line_joins_total")
	joinTripsTotal = metrics.NewCounter("usher_line_join_trips_total")
	lostTotal      = metrics.NewCounter("usher_line_lost_total")
)

const (
	maxJoins  = 100                  // visitors a script: 3.5 µs each, against 15 µs alone
	joinQueue = 50_000               // who wait in one room
	joinPause = 2 * time.Millisecond // while several rooms are joined at once; each takes 40,000 joins a second all the same
	gateWidth = 4                    // steps of one room's visitors under way, beside its joins: a step takes 0.1 ms, and a gateway has 64 connections for all rooms
	maxEnds   = 1000

	// keepFor is how long the keys of a run go on after it was called last: no session lasts longer than a day.
	keepFor = 72 * time.Hour

	// layout is that of the keys above. It stands behind the run id, so that a line that another release has made is a lost one, and is restored.
	layout = "/3"
)

// Line is the lines of one Redis, or one cluster. Make it with New; Run must be running for Join.
type Line struct {
	rdb   *redisdb.Client
	joins *batch.Lanes[waitroom.RunKey, joining, joined]
	gates sync.Map // room → chan struct{} with a place for each step that is under way

	join, grow, call, share, watch, lapses, enter, leave, ends, noted, extend, restore *redis.Script
}

type joining struct {
	visitor id.Visitor
	shown   int64
}

type joined struct {
	waitroom.Joined
	err error
}

// New returns the lines of a Redis.
func New(rdb *redisdb.Client) *Line {
	return newLine(rdb, func(parts ...string) *redis.Script { return redis.NewScript(nowLua + strings.Join(parts, "")) })
}

// newLine returns lines whose scripts script makes of their parts and a clock before them, Lua that sets the local now: tests have their own.
func newLine(rdb *redisdb.Client, script func(parts ...string) *redis.Script) *Line {
	l := &Line{
		rdb: rdb, join: script(turnLua, joinLua), grow: script(growLua), call: script(turnLua, dugLua, standLua, keepLua, stockLua, callLua),
		share: script(shareLua), watch: script(dugLua, standLua, watchLua), lapses: script(dugLua, lapsesLua), enter: script(turnLua, enterLua), leave: script(closeLua, leaveLua),
		ends: script(endsLua), noted: script(closeLua, notedLua), extend: script(extendLua), restore: script(keepLua, restoreLua),
	}
	l.joins = batch.NewLanes(l.joinAll, maxJoins, joinQueue, joinPause) // one batch of a room at once: the order of arrival is kept
	return l
}

// Run sends joins until ctx ends.
func (l *Line) Run(ctx context.Context) error { return l.joins.Run(ctx) }

func keys(k waitroom.RunKey) []string {
	prefix := "usher:{" + k.Room + "}:" + k.Run + ":"
	return []string{
		prefix + "meta", prefix + "line", prefix + "called", prefix + "active", prefix + "sessions", prefix + "used",
		prefix + "lapsed", prefix + "asking", prefix + "asked", prefix + "ends", prefix + "passed",
		prefix + "news", prefix + "gateways",
	}
}

// run calls a script; LOST becomes waitroom.ErrLost, a fault waitroom.ErrLineUnavailable.
func (l *Line) run(ctx context.Context, script *redis.Script, k waitroom.RunKey, args ...any) (word string, rest []any, err error) {
	names := keys(k)
	var answer []any
	var other bool
	err = l.rdb.On(ctx, names[0], func(at *redisdb.Server) (err error) {
		run := runOf(at)
		answer, err = script.Run(ctx, at, names, append([]any{run + layout}, args...)...).Slice()
		other = runOf(at) != run
		return err
	})
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", waitroom.ErrLineUnavailable, err)
	}
	if other { // the call itself reached another Redis, which may have believed an old memory
		lostTotal.Inc()
		return "LOST", nil, waitroom.ErrLost
	}
	if word, _ = answer[0].(string); word == "LOST" {
		lostTotal.Inc()
		return word, nil, waitroom.ErrLost
	}
	return word, answer[1:], nil
}

// runOf is the run id of a server, by which a line knows whether its memory is whole.
func runOf(at *redisdb.Server) string {
	if guard.Off(guard.LineRun) {
		return "any"
	}
	return at.RunID()
}

// Join gives the visitor a number, or the one that he has. Joins that arrive together share a round trip.
func (l *Line) Join(ctx context.Context, k waitroom.RunKey, v id.Visitor, shown int64) (waitroom.Joined, error) {
	j, err := l.joins.Do(ctx, k, joining{v, shown})
	if errors.Is(err, batch.ErrFull) {
		err = fmt.Errorf("%w: %w", waitroom.ErrLineUnavailable, err)
	}
	return j.Joined, errors.Join(err, j.err)
}

// joinAll sends one script for joins of one room, in order.
func (l *Line) joinAll(ctx context.Context, k waitroom.RunKey, joins []joining) ([]joined, error) {
	args := make([]any, 0, 2*len(joins))
	for _, j := range joins {
		args = append(args, j.visitor[:], j.shown)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, rest, err := l.run(ctx, l.join, k, args...)
	joinTripsTotal.Inc()
	joinsTotal.Add(len(joins))
	if err != nil {
		return nil, err
	}
	out := make([]joined, len(joins))
	for n := range out {
		out[n].Number, out[n].First = number(rest[3*n]), number(rest[3*n+1]) == 1
		out[n].JTI, _ = rest[3*n+2].(string)
		if out[n].Number < 0 {
			out[n].err = waitroom.ErrBlockSpent
		}
	}
	return out, nil
}

// pass runs a step that visitors ask for, when not too many of the same room are under way: whoever asks in one room as fast as he can takes no connection
// from another.
func (l *Line) pass(ctx context.Context, k waitroom.RunKey, script *redis.Script, args ...any) (word string, rest []any, err error) {
	of, there := l.gates.Load(k.Room)
	if !there {
		of, _ = l.gates.LoadOrStore(k.Room, make(chan struct{}, gateWidth))
	}
	gate, _ := of.(chan struct{})
	select {
	case gate <- struct{}{}:
		defer func() { <-gate }()
		return l.run(ctx, script, k, args...)
	case <-ctx.Done():
		return "", nil, fmt.Errorf("%w: too many ask in this room: %w", waitroom.ErrLineUnavailable, ctx.Err())
	}
}

// Grow allows numbers below blockEnd to be given out by that incarnation.
func (l *Line) Grow(ctx context.Context, k waitroom.RunKey, incarnation, blockEnd int64) error {
	_, _, err := l.run(ctx, l.grow, k, incarnation, blockEnd)
	return err
}

// Call moves the watermark.
func (l *Line) Call(ctx context.Context, k waitroom.RunKey, r waitroom.CallRules) (waitroom.Watch, error) {
	closed := 0
	if r.Closed {
		closed = 1
	}
	if guard.Off(guard.RoomCapacity) {
		r.Capacity = 1 << 30
	}
	left := -1
	if r.Stock.Known {
		left = max(0, r.Stock.Left)
	}
	_, rest, err := l.run(ctx, l.call, k, r.PerSecond, r.Burst, r.Capacity, r.Expect.Milliseconds(), r.Grace.Milliseconds(), r.Ceiling, closed,
		keepFor.Milliseconds(), left, r.Stock.Sold, r.Stock.Version, r.PerTicket, waitroom.ServedWindow,
		r.PaceAge.Milliseconds(), r.Most, r.Gone.Incarnation, r.Gone.From, r.Gone.Bits)
	return watch(rest), err
}

// Share tells the other gateways something, and hears what they have told.
func (l *Line) Share(ctx context.Context, k waitroom.RunKey, t waitroom.Telling) (s waitroom.Shared, err error) {
	bye := 0
	if t.Bye {
		bye = 1
	}
	_, rest, err := l.run(ctx, l.share, k, t.Incarnation, t.After, t.News, waitroom.NewsKept.Milliseconds(),
		t.Gateway, bye, waitroom.GatewaySilent.Milliseconds(), waitroom.GatewayKept.Milliseconds(), waitroom.GatewaysMost)
	if err != nil {
		return s, err
	}
	s = waitroom.Shared{Incarnation: number(rest[0]), Told: number(rest[1])}
	past := 3 + 2*number(rest[2])
	for i := int64(3); i < past; i += 2 {
		s.Silent = append(s.Silent, waitroom.Silent{Gateway: text(rest[i]), For: time.Duration(number(rest[i+1])) * time.Millisecond})
	}
	for _, n := range rest[past:] {
		s.News = append(s.News, []byte(text(n)))
	}
	return s, nil
}

// Watch reads where the line stands.
func (l *Line) Watch(ctx context.Context, k waitroom.RunKey) (waitroom.Watch, error) {
	_, rest, err := l.run(ctx, l.watch, k)
	return watch(rest), err
}

// Lapses reads whose turns have lapsed.
func (l *Line) Lapses(ctx context.Context, k waitroom.RunKey) (out waitroom.Lapses, err error) {
	_, rest, err := l.run(ctx, l.lapses, k)
	if err != nil {
		return out, err
	}
	out.Incarnation = number(rest[0])
	lapsed, used := text(rest[2]), text(rest[5])
	bits := make([]byte, max(number(rest[1])/8+1, int64(len(lapsed))))
	copy(bits, lapsed)
	ranges := numbers(rest[4])
	for i := 0; i+1 < len(ranges); i += 2 {
		for n := ranges[i]; n < ranges[i+1]; n++ {
			if at, bit := n/8, byte(0x80>>(n%8)); at >= int64(len(used)) || used[at]&bit == 0 {
				bits[at] |= bit
			}
		}
	}
	for _, n := range numbers(rest[6]) {
		bits[n/8] &^= 0x80 >> (n % 8)
	}
	for _, n := range numbers(rest[3]) {
		bits[n/8] |= 0x80 >> (n % 8)
	}
	out.Bits = bytes.TrimRight(bits, "\x00")
	return out, nil
}

// Enter turns a called visitor into a session.
func (l *Line) Enter(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, r waitroom.EnterRules) (s waitroom.Session, err error) {
	free, check := 0, 1
	if r.Free {
		free = 1
	}
	if guard.Off(guard.RoomCapacity) {
		check = 0
	}
	word, rest, err := l.pass(ctx, k, l.enter, v[:], n, r.JTI, r.Capacity, r.Session.Milliseconds(), waitroom.SlotSlack.Milliseconds(), free, check)
	if err != nil {
		return s, err
	}
	switch word {
	case "OK":
		return waitroom.Session{JTI: r.JTI, Number: n, Entered: moment(rest[1]), Expires: moment(rest[2]), Fresh: true, Incarnation: number(rest[0])}, nil
	case "SAME":
		s = waitroom.Session{Number: n, Entered: moment(rest[1]), Expires: moment(rest[2]), Incarnation: number(rest[0])}
		s.JTI, _ = rest[3].(string)
		return s, nil
	case "NOTCALLED":
		return s, waitroom.ErrNotCalled
	case "FULL":
		return s, waitroom.ErrRoomFull
	case "GRACE":
		return s, waitroom.ErrGraceOver
	default:
		return s, waitroom.ErrPlaceUsed
	}
}

// Leave ends the session with the jti, or what the number has become.
func (l *Line) Leave(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, jti string) (over waitroom.Session, err error) {
	_, rest, err := l.pass(ctx, k, l.leave, v[:], n, jti, waitroom.Linger.Milliseconds())
	if err != nil || text(rest[0]) == "" {
		return over, err
	}
	return waitroom.Session{JTI: text(rest[0]), Number: number(rest[1]), Entered: moment(rest[2])}, nil
}

// Ends returns sessions that are over and not noted yet.
func (l *Line) Ends(ctx context.Context, k waitroom.RunKey) (ends []waitroom.Admission, err error) {
	_, rest, err := l.run(ctx, l.ends, k, maxEnds)
	for i := 0; i+1 < len(rest) && err == nil; i += 2 {
		var a waitroom.Admission
		of, entered := text(rest[i+1]), int64(0)
		copy(a.Visitor[:], of)
		_, err = fmt.Sscan(text(rest[i])+" "+of[min(len(of), len(a.Visitor)):], &a.Number, &a.JTI, &entered)
		a.Entered = time.UnixMilli(entered).UTC()
		ends = append(ends, a)
	}
	slices.SortFunc(ends, func(a, b waitroom.Admission) int { return cmp.Compare(a.Number, b.Number) })
	return ends, err
}

// Noted says that the ledger knows of a session's end.
func (l *Line) Noted(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	_, _, err := l.run(ctx, l.noted, k, a.Visitor[:], a.Number, a.JTI, waitroom.Linger.Milliseconds(), a.Incarnation)
	return err
}

// Extend lets a session last until the given time.
func (l *Line) Extend(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string, until time.Time) (incarnation int64, err error) {
	return l.touch(ctx, k, v, jti, until.UnixMilli())
}

// Active reports whether the session lives.
func (l *Line) Active(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string) error {
	_, err := l.touch(ctx, k, v, jti, 0)
	return err
}

func (l *Line) touch(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string, until int64) (incarnation int64, err error) {
	word, rest, err := l.pass(ctx, k, l.extend, v[:], jti, until, waitroom.SlotSlack.Milliseconds())
	if err != nil {
		return 0, err
	}
	if word == "OVER" {
		return 0, waitroom.ErrSessionOver
	}
	return number(rest[0]), nil
}

// Writable writes a key that ends by itself: a Redis that is full, or a replica, refuses.
func (l *Line) Writable(ctx context.Context, k waitroom.RunKey) error {
	name := keys(k)[0] + ":writable"
	err := l.rdb.On(ctx, name, func(at *redisdb.Server) error { return at.Set(ctx, name, 1, time.Second).Err() })
	if err != nil {
		return fmt.Errorf("%w: %w", waitroom.ErrLineUnavailable, err)
	}
	return nil
}

// Restore gives a line what the ledger knows.
func (l *Line) Restore(ctx context.Context, k waitroom.RunKey, m waitroom.Memory) error {
	holes := make([]string, len(m.Holes))
	for i, h := range m.Holes {
		holes[i] = fmt.Sprintf("%d %d 0", h.From, h.Past)
	}
	args := []any{
		m.Incarnation, m.Watermark, m.Next, m.BlockEnd, m.Limit, strings.Join(holes, ","), waitroom.SlotSlack.Milliseconds(), len(m.Used), bitmap(m.Used),
		keepFor.Milliseconds(),
	}
	for _, s := range m.Sessions {
		args = append(args, fmt.Sprintf("%s%s %d %d %d", s.Visitor[:], s.JTI, s.Number, s.Entered.UnixMilli(), s.Expires.UnixMilli()))
	}
	_, _, err := l.run(ctx, l.restore, k, args...)
	return err
}

// bitmap is what SETBIT of every number makes of an empty string: the first number is the highest bit.
func bitmap(numbers []int64) []byte {
	if len(numbers) == 0 {
		return nil
	}
	bits := make([]byte, slices.Max(numbers)/8+1)
	for _, n := range numbers {
		bits[n/8] |= 0x80 >> (n % 8)
	}
	return bits
}

func watch(rest []any) (w waitroom.Watch) {
	if len(rest) < 19 {
		return w
	}
	w = waitroom.Watch{
		Watermark: number(rest[0]), Next: number(rest[1]), BlockEnd: number(rest[2]), Waiting: int(number(rest[3])),
		Called: int(number(rest[4])), Active: int(number(rest[5])), Entered: number(rest[6]), Left: number(rest[7]), Now: moment(rest[8]),
		Limit: number(rest[9]), Incarnation: number(rest[10]), Lapsed: number(rest[12]), Over: int(number(rest[13])), Ends: int(number(rest[14])),
		Served: number(rest[16]), Bought: number(rest[17]),
	}
	if s := numbers(rest[15]); len(s) == 3 && s[0] >= 0 {
		w.Stock = waitroom.Stock{Known: true, Left: int(s[0]), Sold: int(s[1]), Version: s[2]}
	}
	w.Pace, _ = strconv.ParseFloat(text(rest[18]), 64)
	holes := numbers(rest[11])
	for i := 0; i+1 < len(holes); i += 2 {
		w.Holes = append(w.Holes, waitroom.Hole{From: holes[i], Past: holes[i+1]})
	}
	return w
}

func numbers(v any) (out []int64) {
	all, _ := v.([]any)
	for _, n := range all {
		out = append(out, number(n))
	}
	return out
}

func text(v any) string { s, _ := v.(string); return s }

func number(v any) int64 { n, _ := v.(int64); return n }

func moment(v any) time.Time { return time.UnixMilli(number(v)).UTC() }
