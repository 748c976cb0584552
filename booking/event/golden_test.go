package event

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
)

var update = flag.Bool("update", false, "write golden files that are missing; those that exist never change")

var kinds = []Kind{
	BookingReserved, BookingPaying, BookingDeclined, BookingConfirmed, BookingExpired, BookingCancelled, BookingExtended, SeatsBlocked, SeatsUnblocked,
}

func sample(k Kind) Event {
	at := time.Date(2026, 11, 24, 12, 0, 0, 123456000, time.UTC)
	return Event{
		ID: id.Key{1}.String(), Kind: k, Event: id.Event(322<<27 | 7), Booking: id.Key{1}, Owner: id.Visitor{2},
		Session: booking.Session{Room: "final", JTI: "s-1"}, Seats: []SeatChange{{Seat: 3, Version: 2, State: booking.SeatPaying}},
		Stock: Stock{Capacity: 10, Free: 4, Reserved: 3, Paying: 1, Booked: 1, Blocked: 1}, ExpirationTime: at.Add(time.Minute), At: at,
	}
}

func TestOldEventsStillParse(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		path := filepath.Join("testdata", "golden", "v1_"+string(k)+".json")
		want := sample(k)
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) && *update {
			if b, err = json.Marshal(want); err == nil {
				err = os.WriteFile(path, b, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		var got Event
		if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s parses as %+v, %v", k, got, err)
		}
	}
}

func TestWhichEventsEndASession(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		if got, want := sample(k).Ends(), k == BookingConfirmed || k == BookingExpired; got != want {
			t.Errorf("%s ends the session: %v", k, got)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, k := range kinds {
		b, err := json.Marshal(sample(k))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if json.Unmarshal(b, &e) != nil || e.Event == 0 { // no event: nothing that a worker tells
			return
		}
		again, err := json.Marshal(e)
		if err != nil {
			return // a time outside the years that JSON knows
		}
		var back Event
		if err := json.Unmarshal(again, &back); err != nil || back.ID != e.ID || len(back.Seats) != len(e.Seats) {
			t.Errorf("%s came back as %+v, %v", again, back, err)
		}
	})
}
