package waitroom

import (
	"context"
	"log/slog"
	"testing"

	"usher/internal/id"
)

type oneRoom struct {
	Ledger
	room Room
}

func (l oneRoom) Rooms(context.Context) ([]Room, error) { return []Room{l.room}, nil }

// A gateway guards its events before it serves anybody: rooms are known once they are read, though Run has not begun; and nobody is
// sent to it before their lines have been heard of.
func TestRoomsGuardTheirEventsAsSoonAsTheyAreRead(t *testing.T) {
	t.Parallel()
	e, err := id.NewEvent(322, 1)
	if err != nil {
		t.Fatal(err)
	}
	var room Room
	room.Room, room.State, room.Events = "final", Open, []id.Event{e}
	k := NewKeeper(nil, oneRoom{room: room}, nil, nil, slog.Default())
	if err := k.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, guarded := k.RoomOf(e); !guarded || r.Room != "final" || !r.Active {
		t.Errorf("the event is guarded by %q, %t", r.Room, guarded)
	}
	if _, err := k.Room("final"); err != nil {
		t.Error(err)
	}
	if k.Ready() == nil {
		t.Error("ready before the line has been heard of")
	}
}
