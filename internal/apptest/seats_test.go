package apptest

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"usher/internal/id"
)

// seatCall is what somebody asked for about one seat. A call about two seats is two of them.
type seatCall struct {
	what    string // hold, book, confirm, cancel, read or end
	seat    string // ticket
	by      string // visitor
	booking string // the visitor and his idempotency key: known before an answer is
	told    int64  // when the answer came
}

// seatAnswer is what he was told.
type seatAnswer struct {
	said  string // done, refused, unknown; of read, confirm and end a status
	until int64  // end of a hold or a reservation, 0: none
}

// seat is what is true of a seat: free, held, reserved or booked.
type seatTruth struct {
	is, by, booking string
	until           int64 // before it nobody else can have the seat
}

// early is how much earlier than was told a hold or a reservation may end: times are told in seconds.
const early = int64(time.Second)

// seatModel says what may be answered about one seat, if calls have their effect at one moment between being asked for and being answered. A call that
// nobody has answered may have had its effect, or not, at any time later.
var seatModel = porcupine.NondeterministicModel{
	Partition: bySeat,
	Init:      func() []any { return []any{seatTruth{is: "free"}} },
	Step: func(state, input, output any) (next []any) {
		s, in, out := state.(seatTruth), input.(seatCall), output.(seatAnswer)
		next = seatStep(s, in, out)
		if (s.is == "held" || s.is == "reserved") && s.until <= in.told { // it may have run out
			next = append(next, seatStep(seatTruth{is: "free"}, in, out)...)
		}
		return next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
}

func bySeat(history []porcupine.Operation) (out [][]porcupine.Operation) {
	place := map[string]int{}
	for _, o := range history {
		seat := o.Input.(seatCall).seat
		i, known := place[seat]
		if !known {
			i, place[seat] = len(out), len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], o)
	}
	return out
}

// seatStep is what a seat may be after a call that was answered so; nothing: it cannot have been answered so.
func seatStep(s seatTruth, in seatCall, out seatAnswer) []any {
	mine := s.booking == in.booking && s.booking != ""
	open := s.is == "free" || s.is == "held" && s.by == in.by
	var after seatTruth // if it has its effect
	can := false
	switch in.what {
	case "hold":
		can, after = open, seatTruth{is: "held", by: in.by, until: out.until}
	case "book":
		can, after = open, seatTruth{is: "reserved", by: in.by, booking: in.booking, until: out.until}
	case "cancel":
		can, after = mine && s.is == "reserved", seatTruth{is: "free"}
	case "confirm":
		can, after = mine && s.is == "reserved", seatTruth{is: "booked", by: in.by, booking: in.booking}
		if out.said == "reserved" && mine && s.is == "reserved" { // declined; it lasts longer now
			return []any{s}
		}
	case "read":
		if mine && (out.said == s.is || out.said == "paying" && s.is == "reserved" || out.said == "confirmed" && s.is == "booked") ||
			!mine && out.said != "reserved" && out.said != "paying" && out.said != "confirmed" {
			return []any{s}
		}
		return nil
	case "end":
		if (s.is == "booked") == (out.said == "booked") && (s.is != "booked" || s.by == in.by) {
			return []any{s}
		}
		return nil
	}
	switch out.said {
	case "done", "confirmed":
		if can {
			return []any{after}
		}
		return nil
	case "unknown":
		if can {
			return []any{s, after}
		}
		return []any{s}
	case "reserved": // of a confirm, and it is not
		return nil
	default: // refused: it has no effect but that a hold is given back
		if in.what == "book" && s.is == "held" && s.by == in.by {
			return []any{s, seatTruth{is: "free"}}
		}
		return []any{s}
	}
}

// seatHistory is what was asked and answered.
type seatHistory struct {
	began time.Time
	mu    sync.Mutex // guards calls
	calls []porcupine.Operation
}

func newSeatHistory() *seatHistory { return &seatHistory{began: time.Now()} }

func (h *seatHistory) now() int64 { return int64(time.Since(h.began)) }

// note keeps a call about seats that was asked for at a time, and answered now; one that nobody has answered is never over.
func (h *seatHistory) note(client int, what, by, booking string, asked int64, out seatAnswer, seats ...string) {
	told := h.now()
	if out.said == "unknown" {
		told = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, seat := range seats {
		h.calls = append(h.calls, porcupine.Operation{
			ClientId: client, Call: asked, Return: told, Input: seatCall{what: what, seat: seat, by: by, booking: booking, told: told}, Output: out,
		})
	}
}

// wrong returns the seats whose calls cannot have been answered as they were, and those that could not be decided within the time.
func (h *seatHistory) wrong(limit time.Duration) (illegal, undecided []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	model := seatModel.ToModel()
	model.Partition = nil
	for _, calls := range bySeat(h.calls) {
		switch seat := calls[0].Input.(seatCall).seat; porcupine.CheckOperationsTimeout(model, calls, limit) {
		case porcupine.Illegal:
			illegal = append(illegal, seat)
		case porcupine.Unknown:
			undecided = append(undecided, seat)
		}
	}
	return illegal, undecided
}

// tell writes what happened to a seat.
func (h *seatHistory) tell(seat string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b strings.Builder
	for _, o := range h.calls {
		if in := o.Input.(seatCall); in.seat == seat {
			out := o.Output.(seatAnswer)
			fmt.Fprintf(&b, "%12s to %12s  %-8s %s %s → %s until %s\n", time.Duration(o.Call), time.Duration(o.Return), in.what, in.by, in.booking, out.said, time.Duration(out.until))
		}
	}
	return b.String()
}

// ends notes how the seats have come out in Postgres.
func (h *seatHistory) ends(s *System, tickets []string) {
	s.t.Helper()
	booked := map[string]string{}
	for _, row := range s.Query(`SELECT t.id, encode(uuid_send(b.owner), 'hex') FROM tickets t JOIN bookings b ON b.event_id = t.event_id AND b.id = t.booking_id WHERE t.status = 'booked'`) {
		ticket, owner, _ := strings.Cut(row, " ")
		booked[ticket] = owner
	}
	for _, name := range tickets {
		ticket, err := id.ParseTicket(name)
		if err != nil {
			s.t.Fatal(err)
		}
		owner, is := booked[fmt.Sprint(int64(ticket))]
		out := seatAnswer{said: "free"}
		if is {
			out.said = "booked"
		}
		h.note(0, "end", owner, "", h.now(), out, name)
	}
}

// ownerOf is a visitor as Postgres has him.
func ownerOf(f *Fan) string {
	f.t.Helper()
	a := f.Do("POST", "/api/v1/visitors", nil)
	v, err := id.ParseVisitor(a.Str("visitor_id"))
	if err != nil {
		f.t.Errorf("%v: %s", err, a)
	}
	return hex.EncodeToString(v[:])
}
