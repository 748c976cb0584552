package id

import (
	"testing"
	"time"
)

func TestIDsComeBackFromTheirText(t *testing.T) {
	t.Parallel()
	e, err := NewEvent(318, 41)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseEvent(e.String()); err != nil || got != e {
		t.Errorf("event %s came back as %v, %v", e, got, err)
	}
	ticket := e.Ticket(93999)
	if got, err := ParseTicket(ticket.String()); err != nil || got != ticket || got.Event() != e || got.Seat() != 93999 {
		t.Errorf("ticket %s came back as %v, %v", ticket, got, err)
	}
	b := Booking{Event: e, Key: NewKey()}
	if got, err := ParseBooking(b.String()); err != nil || got != b {
		t.Errorf("booking %s came back as %v, %v", b, got, err)
	}
	v := NewVisitor()
	if got, err := ParseVisitor(v.String()); err != nil || got != v {
		t.Errorf("visitor %s came back as %v, %v", v, got, err)
	}
}

func TestOneIDHasOneSpelling(t *testing.T) {
	t.Parallel()
	e, _ := NewEvent(318, 41)
	for _, s := range []string{
		"", "-", "search", e.String() + "-", e.String() + "-01", e.String() + "-+1", e.String() + "-1048576",
		e.String() + "-1 ", "00000000-1", "zzzzzzzz-1", e.String()[:7] + "I-1", e.String() + "-99999999999999999999",
	} {
		if got, err := ParseTicket(s); err == nil {
			t.Errorf("ParseTicket(%q) = %v, want an error", s, got)
		}
	}
	v := NewVisitor().String()
	if v[25] != '0' && v[25] != '4' && v[25] != '8' && v[25] != 'c' && v[25] != 'g' && v[25] != 'm' && v[25] != 'r' && v[25] != 'w' {
		t.Fatalf("last character %q carries stray bits", v[25])
	}
	if _, err := ParseVisitor(v[:25] + "z"); err == nil {
		t.Error("a second spelling of a visitor was accepted")
	}
}

func TestMonthOf(t *testing.T) {
	t.Parallel()
	f := func(when string, want int, ok bool) {
		t.Helper()
		at, err := time.Parse(time.DateOnly, when)
		if err != nil {
			t.Fatal(err)
		}
		got, err := MonthOf(at)
		if (err == nil) != ok || got != want {
			t.Errorf("MonthOf(%s) = %d, %v; want %d, ok %v", when, got, err, want, ok)
		}
	}
	f("2000-01-01", 0, true)
	f("2026-11-24", 322, true)
	f("1999-12-31", 0, false)
	f("2400-01-01", 0, false)
}

func FuzzParse(f *testing.F) {
	f.Add("0500008g-12")
	f.Add("0500008g-00000000000000000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseTicket(s); err == nil && v.String() != s {
			t.Errorf("ticket %q prints as %q", s, v)
		}
		if v, err := ParseBooking(s); err == nil && v.String() != s {
			t.Errorf("booking %q prints as %q", s, v)
		}
		if v, err := ParseVisitor(s); err == nil && v.String() != s {
			t.Errorf("visitor %q prints as %q", s, v)
		}
	})
}
