package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"usher/internal/audit"
)

func TestAuditRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	const stores = "--postgres postgres://localhost:1/x --kafka localhost:1"
	f := func(args, want string) {
		t.Helper()
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"audit"}, strings.Fields(args)...), func(string) string { return "" }, &out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("usher audit %s: %v, want %q", args, err, want)
		}
	}
	f("", "--postgres (or USHER_POSTGRES) is needed")
	f("", "--kafka (or USHER_KAFKA) is needed")
	f(stores+" --every x", "every")
	f(stores+" --every 59s", "--every: 59s is below 1m0s")
	f(stores+" --every -1h", "--every: -1h0m0s is below 1m0s")
	f(stores+" --payments 59s", "--payments: 59s is not between 1m0s and 2160h0m0s")
	f(stores+" --payments 2161h", "--payments: 2161h0m0s is not between")
	f(stores+" stray", `takes no argument "stray"`)
}

// TestAnAuditIsReadFromTheTop: what is broken stands first, with why and examples, then what is late; what holds stands below.
func TestAnAuditIsReadFromTheTop(t *testing.T) {
	t.Parallel()
	got := auditText(audit.Report{At: time.Date(2026, 6, 11, 12, 0, 0, 0, time.UTC), Payments: 3, Commands: 40, Findings: []audit.Finding{
		{Rule: audit.Rule{Says: "all is well", Why: "never"}},
		{Rule: audit.Rule{Says: "a seat has one owner", Why: "it is sold twice"}, Total: 25, Rows: make([]string, audit.Examples)},
		{Rule: audit.Rule{Says: "mail is sent", Why: "nobody sends", Late: true}, Total: 2, Rows: []string{"one", "two"}},
	}})
	want := "The truth as it was at 2026-06-11 12:00:00.000 UTC; 3 payments and 40 commands of the log were looked at.\n" +
		"\nBROKEN  a seat has one owner: 25\n  it is sold twice.\n" + strings.Repeat("  - \n", audit.Examples) + "  and 5 more\n" +
		"\nLATE  mail is sent: 2\n  nobody sends.\n  - one\n  - two\n" +
		"\nholds  all is well\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
