package audit

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/payment"
	"usher/internal/audit"
	"usher/internal/id"
)

var noon = time.Date(2026, 6, 11, 12, 0, 0, 0, time.UTC)

// truth is a snapshot in memory.
type truth struct {
	offsets  []Offset
	results  map[id.Key]bool
	payments []payment.Entry // the provider has a captured charge of each that has an attempt
	unpaid   []payment.Entry
	others   map[string]int
	asks     []string // of which methods and since when payments were compared
	rows     map[string][]Row
	asked    int // most ids at once
	err      error
}

func (s *truth) At(context.Context) (time.Time, error) { return noon, s.err }
func (s *truth) Broken(_ context.Context, rule string, limit int) ([]Row, int, error) {
	rows := s.rows[rule]
	return rows[:min(limit, len(rows))], len(rows), nil
}
func (s *truth) Begun(_ context.Context, method string, from time.Time) iter.Seq2[payment.Entry, error] {
	s.asks = append(s.asks, method+" "+from.Format(time.RFC3339))
	return all(s.payments)
}
func (s *truth) Attempts(context.Context, []id.Key) ([]payment.Entry, error) { return nil, nil }
func (s *truth) Unpaid(context.Context) iter.Seq2[payment.Entry, error]      { return all(s.unpaid) }
func (s *truth) Others(context.Context, []string, time.Time) (map[string]int, error) {
	return s.others, nil
}

// Since and Find make the truth the provider's books, too.
func (s *truth) Since(context.Context, time.Time) iter.Seq2[payment.Record, error] {
	var records []payment.Record
	for _, p := range s.payments {
		records = append(records, payment.Record{Attempt: p.Attempt, State: p.Provider, Amount: p.Charged, Currency: p.ChargedCurrency})
	}
	return all(records)
}
func (s *truth) Find(context.Context, id.Key, string) (payment.Record, error) {
	return payment.Record{}, nil
}

func all[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, x := range list {
			if !yield(x, nil) {
				return
			}
		}
	}
}
func (s *truth) Offsets(context.Context) ([]Offset, error) { return s.offsets, nil }
func (s *truth) Unanswered(_ context.Context, ids []id.Key) (missing []id.Key, err error) {
	s.asked = max(s.asked, len(ids))
	for _, k := range ids {
		if !s.results[k] {
			missing = append(missing, k)
		}
	}
	return missing, nil
}

// topic is a log in memory: the commands of each partition, the first of them at offset first.
type topic struct {
	first map[int]int64
	parts map[int][]Entry
	err   error
}

func (l *topic) Bounds(_ context.Context, p int) (first, end int64, err error) {
	return l.first[p], l.first[p] + int64(len(l.parts[p])), l.err
}

func (l *topic) Commands(_ context.Context, p int, from, to int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for o := from; o < to; o++ {
			e := l.parts[p][o-l.first[p]]
			e.Offset = o
			if !yield(e, nil) {
				return
			}
		}
	}
}

// sold is a truth and a log that agree: two partitions, of which the first has lost its oldest messages to retention, and 12,000 commands that were decided.
func sold() (*truth, *topic) {
	s := &truth{results: map[id.Key]bool{}, rows: map[string][]Row{}}
	l := &topic{first: map[int]int64{0: 500}, parts: map[int][]Entry{}}
	for i := range 12_000 {
		e := Entry{Command: id.NewKey(), Event: 77, IssuedAt: noon.Add(-time.Hour)}
		l.parts[i%2] = append(l.parts[i%2], e)
		s.results[e.Command] = true
	}
	s.offsets = []Offset{{0, 6500}, {1, 6000}}
	s.payments = []payment.Entry{{Standing: booking.Confirmed, Current: true, Due: 5, Currency: "EUR", Attempt: id.NewKey(), Settled: true, Provider: payment.Captured, Charged: 5, ChargedCurrency: "EUR"}}
	return s, l
}

func TestWhatIsFoundOfEachRule(t *testing.T) {
	t.Parallel()
	young := Entry{Command: id.NewKey(), Event: 77, IssuedAt: noon.Add(-10 * time.Second)}
	old := Entry{Command: id.NewKey(), Event: 77, IssuedAt: noon.Add(-5 * time.Minute)}
	for name, c := range map[string]struct {
		spoil func(*truth, *topic)
		want  map[string]int
		tells string
	}{
		"nothing":                        {func(*truth, *topic) {}, nil, ""},
		"commands that wait for moments": {func(_ *truth, l *topic) { l.parts[1] = append(l.parts[1], young) }, nil, ""},
		"commands that wait for minutes": {func(_ *truth, l *topic) { l.parts[1] = append(l.parts[1], old, young, old) }, map[string]int{"behind": 2}, "the oldest since 2026-06-11T11:55:00Z"},
		"a command without an end":       {func(s *truth, l *topic) { delete(s.results, l.parts[0][5999].Command) }, map[string]int{"answered": 1}, "at offset 6499 of partition 0"},
		"an offset that ran ahead":       {func(s *truth, l *topic) { l.parts[0] = append(l.parts[0], old); s.offsets[0].Next++ }, map[string]int{"answered": 1}, "at offset 6500 of partition 0"},
		"commands that were deleted":     {func(s *truth, _ *topic) { s.offsets[0].Next = 490 }, map[string]int{"undecided": 10, "behind": 6000}, "10 commands from offset 490 on are gone"},
		"a log that has lost its end":    {func(_ *truth, l *topic) { l.parts[1] = l.parts[1][:5000] }, map[string]int{"ahead": 1000}, "ends at offset 5000"},
		"money without a ticket":         {func(s *truth, _ *topic) { s.payments[0].Standing = booking.Cancelled }, map[string]int{"charges": 1}, "charge_without_ticket"},
		"a ticket that nobody paid for": {func(s *truth, _ *topic) {
			s.unpaid = []payment.Entry{{Standing: booking.Confirmed, Current: true}}
		}, map[string]int{"charges": 1}, "ticket_without_charge"},
		"a provider whose books are shut": {func(s *truth, _ *topic) { s.others = map[string]int{"stripe": 7, "bank": 2} }, map[string]int{"uncompared": 9}, "stripe: 7 payments"},
		"a seat that is sold 30 times": {func(s *truth, _ *topic) {
			s.rows["one_owner"] = slices.Repeat([]Row{{Ticket: id.Event(77).Ticket(3), Detail: "live bookings"}}, 30)
		}, map[string]int{"one_owner": 30}, id.Event(77).Ticket(3).String()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, l := sold()
			c.spoil(s, l)
			r, err := Run(t.Context(), s, l, []Ledger{{"bank", s, 0}}, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			found, rows := map[string]int{}, []string{}
			for _, f := range r.Findings {
				if f.Total > 0 {
					found[f.Name] = f.Total
				}
				if len(f.Rows) > audit.Examples {
					t.Errorf("%s: %d rows", f.Name, len(f.Rows))
				}
				rows = append(rows, f.Rows...)
			}
			if !maps.Equal(found, c.want) {
				t.Errorf("found %v, want %v: %q", found, c.want, rows)
			}
			if !strings.Contains(strings.Join(rows, "\n"), c.tells) {
				t.Errorf("nothing tells %q: %q", c.tells, rows)
			}
			broken, late := r.Count()
			if wantLate := min(1, c.want["behind"]+c.want["uncompared"]); late != wantLate || broken != len(c.want)-wantLate {
				t.Errorf("%d broken, %d late of %v", broken, late, c.want)
			}
			if s.asked > askAtOnce || s.asked == 0 {
				t.Errorf("%d results were asked for at once", s.asked)
			}
		})
	}
}

// Each provider's payments are compared as far back as is said.
func TestPaymentsAreComparedAsFarBackAsIsSaid(t *testing.T) {
	t.Parallel()
	s, l := sold()
	if _, err := Run(t.Context(), s, l, []Ledger{{"bank", s, 0}, {"cards", s, 2 * time.Hour}}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if want := []string{"bank 0001-01-01T00:00:00Z", "cards 2026-06-11T10:00:00Z"}; !slices.Equal(s.asks, want) {
		t.Errorf("asked for %q, want %q", s.asks, want)
	}
}

// A store that does not answer leaves nothing known, and that is an error, never a clean report.
func TestAnAuditThatCannotAskSaysSo(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	s, l := sold()
	s.err = away
	if _, err := Run(t.Context(), s, l, []Ledger{{"bank", s, 0}}, time.Hour); !errors.Is(err, away) {
		t.Errorf("without Postgres: %v", err)
	}
	s, l = sold()
	l.err = away
	if _, err := Run(t.Context(), s, l, []Ledger{{"bank", s, 0}}, time.Hour); !errors.Is(err, away) {
		t.Errorf("without the log: %v", err)
	}
}
