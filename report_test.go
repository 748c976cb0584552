package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/testenv"
)

func TestAReportIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t, pgstore.Migrate)
	e := pgtest.Event(t, pgtest.Again(t, dsn, 2), 30)
	f := func(args, want string) string {
		t.Helper()
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"report", "--postgres", dsn}, strings.Fields(args)...), func(string) string { return "" }, &out)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("usher report %s: %v, want %q", args, err, want)
		}
		return out.String()
	}
	lines, err := csv.NewReader(strings.NewReader(f("", ""))).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][0] != e.String() {
		t.Errorf("%v, %v", lines, err)
	}
	file := filepath.Join(t.TempDir(), "sales.csv")
	f("--event "+e.String()+" --out "+file, "")
	written, err := os.ReadFile(file)
	if err != nil || bytes.Count(written, []byte("\r\n")) != 2 {
		t.Errorf("%q, %v", written, err)
	}
	f("--event nothing", `"nothing" is no id of an event`)
	f("--event 17m00001", "does not exist")
	f("--from 2026-1-1", "is no day")
	f("--from 2026-02-01 --to 2026-01-01", "is before")
	f("--out /nowhere/x.csv", "no such file")
	f("stray", `takes no argument "stray"`)
	if _, err := pgtest.Again(t, dsn, 2).Pool().Exec(t.Context(), `DELETE FROM tickets`); err != nil {
		t.Fatal(err)
	}
	f("--out "+file, "the tickets of 1 more are not in this database") // and the old file stays
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, written) {
		t.Errorf("a report that failed has changed the file: %q, %v", again, err)
	}
	failed := errors.New("the disk is full")
	if err := whole(file, func(io.Writer) error { return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	if left, err := filepath.Glob(file + "*"); err != nil || len(left) != 1 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
