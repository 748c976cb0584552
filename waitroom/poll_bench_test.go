package waitroom_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/memledger"
	"usher/waitroom/memline"
)

// BenchmarkKeeperPoll is what a keeper does for a poll: 100,000 wait for tickets that are being sold, and some have gone away. BenchmarkPollHandler is the edge around it.
func BenchmarkKeeperPoll(b *testing.B) {
	const size = 100_000
	room := final()
	room.Events = []id.Event{eventOne}
	now := time.Now()
	clock := func() time.Time { return now }
	k := waitroom.NewDriven(memline.New(clock), memledger.New(clock, room), waitroom.Drive{
		Now: clock, Within: context.WithTimeout, Chance: func(n int64) int64 { return n / 2 }, NewJTI: func() string { return "jti" }, Block: 2 * size, Waits: waitroom.Patient(),
	})
	step := func() {
		b.Helper()
		now = now.Add(waitroom.CallEvery)
		if err := errors.Join(k.Read(b.Context()), k.Step(b.Context(), room.Room), k.Share(b.Context(), room.Room)); err != nil {
			b.Fatal(err)
		}
	}
	step()
	k.SetStock(eventOne, waitroom.Stock{Known: true, Left: 60_000, Sold: 10, Version: 1})
	places := make([]waitroom.Place, size)
	for n := range places {
		line, _, err := k.Join(b.Context(), room.Room, id.NewVisitor(), nil)
		if err != nil {
			b.Fatal(err)
		}
		places[n] = line.Place
	}
	for range 400 {
		step()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		if n%size == 0 {
			now = now.Add(time.Minute) // everybody may ask again
		}
		if line, err := k.Poll(places[(n*7919)%size], 0); err != nil && !errors.Is(err, waitroom.ErrPollTooFast) || line.State == "" {
			b.Fatal(err)
		}
	}
}
