package hold

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/internal/id"
)

// What a load may meet. Try again a little later.
var (
	ErrLoading   = errors.New("another process is loading the map")
	ErrOvertaken = errors.New("another process has begun to load the map since")
)

const (
	seatBytes  = 8
	ownerBytes = 16
)

var (
	loadsTotal  = metrics.NewCounter("usher_hold_loads_total")
	loadSeconds = metrics.NewHistogram("usher_hold_load_seconds")
)

// Load fills an event's map. read reads all seats from Postgres, in seat order; it is called after the load has been announced, so
// that what is committed while it reads waits beside the map. A map that is there already is left alone. ErrLoading, ErrOvertaken.
func (s *Store) Load(ctx context.Context, e id.Event, read func(context.Context) ([]Seat, error)) error {
	began := time.Now()
	token := id.NewKey().String()
	word, rest, err := s.run(ctx, s.beginLoad, e, token)
	switch {
	case err != nil || word == "LOADED":
		return err
	case word == "BUSY":
		return ErrLoading
	}
	base := int64(ints(rest)[0])
	seats, err := read(ctx)
	if err != nil {
		return err
	}
	packed, holders, owners := pack(seats, base, s.For)
	args := []any{token, packed, holders}
	for owner, r := range owners {
		args = append(args, owner[:], r.String())
	}
	word, _, err = s.run(ctx, s.finishLoad, e, args...)
	if err == nil && word == "AGAIN" {
		return ErrOvertaken
	}
	loadsTotal.Inc()
	loadSeconds.UpdateDuration(began)
	return err
}

// record is what a visitor has of an event: see prelude.lua.
type record struct {
	first int64 // ms
	seats []int
}

func (r record) String() string {
	var b strings.Builder
	b.WriteString(strconv.FormatInt(r.first, 10))
	for i, seat := range r.seats {
		b.WriteByte(" ,"[min(i, 1)])
		b.WriteString(strconv.Itoa(seat))
	}
	return b.String()
}

// pack makes the strings that prelude.lua describes, and the visitors' records. When a visitor's first hold began is not known to
// Postgres: it is taken to be one hold's length before the end, so the cap of extensions counts anew after a loss of Redis.
func pack(seats []Seat, base int64, lasts time.Duration) (packed, holders []byte, owners map[id.Visitor]record) {
	packed, holders, owners = make([]byte, seatBytes*len(seats)), make([]byte, ownerBytes*len(seats)), map[id.Visitor]record{}
	for i, seat := range seats {
		binary.BigEndian.PutUint32(packed[seatBytes*i:], uint32(seat.State)<<24|uint32(seat.Version)&0xffffff)
		ends := seat.Ends.UnixMilli()
		live := ends > base
		if live {
			binary.BigEndian.PutUint32(packed[seatBytes*i+4:], uint32(ends-base))
		}
		if seat.Owner.IsZero() || seat.State == booking.SeatFree && !live {
			continue
		}
		copy(holders[ownerBytes*i:], seat.Owner[:])
		r := owners[seat.Owner]
		if first := ends - lasts.Milliseconds(); live && (r.first == 0 || first < r.first) {
			r.first = first
		}
		r.seats = append(r.seats, i)
		owners[seat.Owner] = r
	}
	return packed, holders, owners
}
