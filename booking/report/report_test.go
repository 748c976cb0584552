package report

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"
)

func TestARowIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	row := Row{
		Event: 322<<27 | 1, Name: "Night, \"live\"\r\nin Berlin", Venue: "=HYPERLINK(\"http://x\")", Start: time.Date(2026, 11, 28, 19, 0, 0, 0, time.UTC), Date: "2026-11-28",
		Currency: "EUR", Section: "Stalls", Level: "A", Price: 9505, Tickets: 20, Sold: 3, Paying: 1, Reserved: 2, Blocked: 4, Held: 5, Free: 5, Refunded: 2,
	}
	if err := w.Write(row); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(lines) != 2 || len(lines[0]) != len(header) {
		t.Fatalf("%d lines, %v:\n%s", len(lines), err, b.String())
	}
	got := map[string]string{}
	for i, name := range lines[0] {
		got[name] = lines[1][i]
	}
	for name, want := range map[string]string{
		"event": "Night, \"live\"\nin Berlin", "venue": "'=HYPERLINK(\"http://x\")", "date": "2026-11-28", "start_time": "2026-11-28T19:00:00Z", // a reader makes one line end of CRLF
		"price_minor": "9505", "price": "95.05", "sold": "3", "gross_minor": "47525", "gross": "475.25", "refunds_minor": "19010", "refunds": "190.10", "net_minor": "28515", "net": "285.15",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if strings.Count(b.String(), "\r\n") < 2 || !strings.HasSuffix(b.String(), "\r\n") {
		t.Errorf("lines do not end with CRLF: %q", b.String())
	}
}

func TestNoTextIsTakenForAFormula(t *testing.T) {
	t.Parallel()
	f := func(text, want string) {
		t.Helper()
		if got := harmless(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	for _, bad := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "＝1", "＋1", "－1", "＠x", "\tx"} {
		f(bad, "'"+bad)
	}
	for _, good := range []string{"", " ", "Stalls", "A-1", "1+1", "'=1", "É", "\xff"} {
		f(good, good)
	}
}

func TestAmountsHaveTheDigitsOfTheirCurrency(t *testing.T) {
	t.Parallel()
	f := func(minor int64, code, want string) {
		t.Helper()
		if got := decimal(minor, digits(code)); got != want {
			t.Errorf("%d %s is %s, want %s", minor, code, got, want)
		}
	}
	f(0, "EUR", "0.00")
	f(5, "EUR", "0.05")
	f(9500, "EUR", "95.00")
	f(9500, "JPY", "9500")
	f(9500, "KWD", "9.500")
	f(1<<53+1, "USD", "90071992547409.93")
	f(100, "XXQ", "1.00")
}
