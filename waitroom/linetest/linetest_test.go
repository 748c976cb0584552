package linetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/memline"
)

// planted is a line in memory with faults.
type planted struct {
	*memline.Line
	key   waitroom.RunKey
	joins atomic.Int64

	again, forgetful, late, unbounded, greedy, early, blind, kind, careless, shared, shrinking, solid, amnesic, open, gone, dense, stale, loose, mute, hasty, deaf, blithe, crowded, behind, coy, hurried, patient, rash, tight, old, slow, forgets, stays, lenient bool
}

func plant(fault func(*planted)) Line {
	var now atomic.Int64
	p := &planted{
		Line: memline.New(func() time.Time { return time.UnixMilli(now.Load()) }), key: waitroom.RunKey{Room: "room", Run: "run"},
	}
	fault(p)
	return Line{
		Queue: p, Key: p.key,
		Clock: func(at time.Time) error { now.Store(at.UnixMilli()); return nil },
		Lose:  func() error { p.Lose(p.key); return nil },
	}
}

func (p *planted) Join(ctx context.Context, k waitroom.RunKey, v id.Visitor, shown int64) (waitroom.Joined, error) {
	if p.forgetful {
		shown = -1
	}
	if p.again {
		v[0] = byte(p.joins.Add(1))
	}
	j, err := p.Line.Join(ctx, k, v, shown)
	if p.shared && err == nil {
		j.Number /= 2
	}
	return j, err
}

func (p *planted) Call(ctx context.Context, k waitroom.RunKey, r waitroom.CallRules) (waitroom.Watch, error) {
	if p.unbounded {
		r.Ceiling = 1 << 52
	}
	if p.greedy {
		r.Capacity *= 3
	}
	if p.early {
		r.Grace /= 2
	}
	if p.late {
		r.Grace *= 2
	}
	if p.solid {
		r.Burst, r.PerSecond = 1e6, 1e6
	}
	if p.blind {
		r.Closed = false
	}
	if p.patient {
		r.Gone.Bits = nil
	}
	if p.tight {
		r.Gone.From++
	}
	if p.blithe && r.Stock.SoldOut() {
		r.Stock.Known = false
	}
	if p.hurried {
		r.PaceAge = 0
	}
	if p.crowded {
		r.PerTicket = 100
	}
	if p.behind {
		r.Stock.Version = 0
	}
	w, err := p.Line.Call(ctx, k, r)
	if p.rash && err == nil && len(r.Gone.Bits) > 0 {
		w, err = p.Line.Call(ctx, k, r)
	}
	if p.coy {
		w.Bought /= 2
	}
	return w, err
}

func (p *planted) Share(ctx context.Context, k waitroom.RunKey, t waitroom.Telling) (waitroom.Shared, error) {
	if w, err := p.Watch(ctx, k); p.old && err == nil {
		t.Incarnation = w.Incarnation
	}
	if p.slow {
		t.After = 0
	}
	t.Bye = t.Bye && !p.stays
	s, err := p.Line.Share(ctx, k, t)
	if p.forgets && len(s.Silent) > 0 && s.Silent[0].For > time.Minute {
		s.Silent = s.Silent[1:]
	}
	return s, err
}

func (p *planted) Grow(ctx context.Context, k waitroom.RunKey, incarnation, blockEnd int64) error {
	if w, err := p.Watch(ctx, k); p.loose && err == nil {
		incarnation = w.Incarnation
	}
	return p.Line.Grow(ctx, k, incarnation, blockEnd)
}

func (p *planted) Lapses(ctx context.Context, k waitroom.RunKey) (waitroom.Lapses, error) {
	l, err := p.Line.Lapses(ctx, k)
	if p.mute {
		l.Bits = nil
	}
	return l, err
}

func (p *planted) Enter(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
	if p.kind {
		r.Capacity++
	}
	if p.open {
		r.Free = true
	}
	return p.Line.Enter(ctx, k, v, n, r)
}

func (p *planted) Leave(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, jti string) (waitroom.Session, error) {
	if p.gone {
		return waitroom.Session{}, nil
	}
	if p.careless {
		for number := range int64(50) {
			if over, err := p.Line.Leave(ctx, k, v, number, ""); over.JTI != "" || err != nil {
				return over, err
			}
		}
	}
	return p.Line.Leave(ctx, k, v, n, jti)
}

func (p *planted) Ends(ctx context.Context, k waitroom.RunKey) ([]waitroom.Admission, error) {
	ends, err := p.Line.Ends(ctx, k)
	for _, a := range ends {
		if p.hasty && err == nil {
			err = p.Line.Noted(ctx, k, a)
		}
	}
	return ends, err
}

func (p *planted) Noted(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	if p.deaf {
		return nil
	}
	if p.lenient {
		a.Incarnation = 0
	}
	return p.Line.Noted(ctx, k, a)
}

func (p *planted) Extend(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string, until time.Time) (int64, error) {
	if p.shrinking {
		until = until.Add(-2 * time.Minute)
	}
	return p.Line.Extend(ctx, k, v, jti, until)
}

func (p *planted) Restore(ctx context.Context, k waitroom.RunKey, m waitroom.Memory) error {
	if p.amnesic {
		m.Used, m.Sessions = nil, nil
	}
	if p.dense {
		m.Holes = nil
	}
	if p.stale {
		p.Lose(k)
	}
	return p.Line.Restore(ctx, k, m)
}

// The suite is worth something if it finds faults: each of these breaks the promise that is named, and is found by comparing lines, too.
func TestEveryPlantedFaultIsFound(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		plant  func(*planted)
		breaks string
	}{
		"a visitor who joins again is another":    {func(p *planted) { p.again = true }, "AThousandJoinsOfOneVisitor"},
		"two visitors share a number":             {func(p *planted) { p.shared = true }, "NumbersGoInOrderOfArrival"},
		"a place of before a loss is forgotten":   {func(p *planted) { p.forgetful = true }, "APlaceOfBeforeALossIsKept"},
		"the ceiling is ignored":                  {func(p *planted) { p.unbounded = true }, "TheCeilingStopsTheWatermark"},
		"too many are called":                     {func(p *planted) { p.greedy = true }, "AStepCallsAtMostTwiceTheFreeSlots"},
		"the bucket is ignored":                   {func(p *planted) { p.solid = true }, "TheBucketBoundsThePace"},
		"turns lapse early":                       {func(p *planted) { p.early = true }, "WhoComesWithinTheGraceEnters"},
		"turns lapse late":                        {func(p *planted) { p.late = true }, "ALapsedTurnIsOver"},
		"lapsed turns are not told":               {func(p *planted) { p.mute = true }, "LapsesTellWhatEnteringAnswers"},
		"a closed room calls":                     {func(p *planted) { p.blind = true }, "NobodyIsCalledWhileClosed"},
		"a room that is sold out calls":           {func(p *planted) { p.blithe = true }, "NobodyIsCalledWhenNothingIsLeft"},
		"more are called than may buy":            {func(p *planted) { p.crowded = true }, "NoMoreAreCalledThanMayBuy"},
		"the slowest pace is forgotten":           {func(p *planted) { p.hurried = true }, "TheSlowestPaceCounts"},
		"any stock counts":                        {func(p *planted) { p.behind = true }, "TheLatestStockCounts"},
		"half of what is bought is seen":          {func(p *planted) { p.coy = true }, "WhatPeopleBuyIsMeasured"},
		"one more than the capacity is let in":    {func(p *planted) { p.kind = true }, "TheCapacityHoldsAtEveryInstant"},
		"anybody is let in":                       {func(p *planted) { p.open = true }, "CallingGoesInOrderAndNotPastTheEnd"},
		"a late done frees a newer session":       {func(p *planted) { p.careless = true }, "ALateDoneFreesNoNewerSession"},
		"leaving does nothing":                    {func(p *planted) { p.gone = true }, "WhoLeavesIsOut"},
		"an end is forgotten before it is noted":  {func(p *planted) { p.hasty = true }, "AnEndIsKeptUntilItIsNoted"},
		"an end that is noted changes nothing":    {func(p *planted) { p.deaf = true }, "WhatIsNotedIsOver"},
		"an old line is told of an end":           {func(p *planted) { p.lenient = true }, "AnOldLineIsToldNoEnd"},
		"nobody is ever gone":                     {func(p *planted) { p.patient = true }, "WhoIsGoneCostsNoSlot"},
		"another is gone":                         {func(p *planted) { p.tight = true }, "WhoIsGoneCostsNoSlot"},
		"a step passes more than it may":          {func(p *planted) { p.rash = true }, "WhoIsGoneCostsNoSlot"},
		"news of another incarnation are told":    {func(p *planted) { p.old = true }, "NewsAreOfTheirIncarnation"},
		"news are told again":                     {func(p *planted) { p.slow = true }, "GatewaysHearEachOther"},
		"who is long silent is forgotten":         {func(p *planted) { p.forgets = true }, "SilentGatewaysAreMissed"},
		"who has said goodbye is missed":          {func(p *planted) { p.stays = true }, "SilentGatewaysAreMissed"},
		"extending shortens":                      {func(p *planted) { p.shrinking = true }, "ExtendingNeverShortens"},
		"a restore forgets who is and was inside": {func(p *planted) { p.amnesic = true }, "ARestoreGivesBackWhatMatters"},
		"holes are called like everybody":         {func(p *planted) { p.dense = true }, "TheHolesOfEveryLossAreJumped"},
		"another incarnation's block is taken":    {func(p *planted) { p.loose = true }, "ABlockIsOfItsIncarnation"},
		"an older incarnation is restored":        {func(p *planted) { p.stale = true }, "OnlyANewerIncarnationIsRestored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if Broken(t, fault.breaks, plant(fault.plant)) == nil {
				t.Errorf("%s is not broken", fault.breaks)
			}
			for seed := range uint64(20) {
				if Agree(t.Context(), seed, 500, plant(fault.plant), plant(func(*planted) {})) != nil {
					return
				}
			}
			t.Error("twenty seeds show no difference to a line without the fault")
		})
	}
}

func TestALineWithoutFaultsKeepsEveryPromise(t *testing.T) {
	t.Parallel()
	Run(t, func(*testing.T) Line { return plant(func(*planted) {}) })
}
