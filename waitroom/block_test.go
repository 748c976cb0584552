package waitroom_test

import (
	"context"
	"testing"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/memledger"
	"usher/waitroom/memline"
)

// unwatched is a line that says once where it stands, when its block is spent, and not again.
type unwatched struct {
	*memline.Line
	asked *bool
}

func (l unwatched) Watch(ctx context.Context, k waitroom.RunKey) (waitroom.Watch, error) {
	if *l.asked {
		return waitroom.Watch{}, waitroom.ErrLineUnavailable
	}
	*l.asked = true
	return l.Line.Watch(ctx, k)
}

// spent lets ten people join a room whose blocks are of six numbers and whose line was seen when four had come, and returns the place in line that each is told.
func spent(t *testing.T, asks func(*memline.Line) waitroom.Queue) (told []int64) {
	t.Helper()
	room := final()
	line := memline.New(time.Now)
	k := waitroom.NewDriven(asks(line), memledger.New(time.Now, room), waitroom.Drive{
		Now: time.Now, Within: context.WithTimeout, Chance: func(int64) int64 { return 0 }, Block: 6, NewJTI: func() string { return "jti" }, Waits: waitroom.Patient(),
	})
	turn := func(do func(context.Context) error) {
		t.Helper()
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	turn(k.Read)
	join := func() {
		line, _, err := k.Join(t.Context(), room.Room, id.NewVisitor(), nil)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, line.Position)
	}
	turn(func(ctx context.Context) error { return k.Step(ctx, room.Room) })
	for range 4 {
		join()
	}
	turn(func(ctx context.Context) error { return k.Step(ctx, room.Room) })
	for range 6 {
		join()
	}
	return told
}

// TestWhoGetsTheFirstNumberOfAFreshBlockIsToldHowManyAreAhead, though what this gateway knows of the line is of before the block was spent.
func TestWhoGetsTheFirstNumberOfAFreshBlockIsToldHowManyAreAhead(t *testing.T) {
	t.Parallel()
	told := spent(t, func(l *memline.Line) waitroom.Queue { return l })
	for n := 1; n < len(told); n++ {
		if told[n] < told[n-1] {
			t.Errorf("in the order in which they came they are told %v", told)
			break
		}
	}
	if told = spent(t, func(l *memline.Line) waitroom.Queue { return unwatched{l, new(bool)} }); told[6] >= told[5] {
		t.Errorf("control: a gateway that does not ask is right all the same: %v", told)
	}
}
