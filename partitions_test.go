package main

import (
	"bytes"
	"strings"
	"testing"

	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/testenv"
)

func TestAMonthGoesThroughItsLife(t *testing.T) {
	t.Parallel()
	dsn, dir := testenv.Postgres(t, pgstore.Migrate), t.TempDir()
	s := pgtest.Again(t, dsn, 2)
	f := func(args, told, fails string) {
		t.Helper()
		var out bytes.Buffer
		words := strings.Fields(args)
		at := min(len(words), 1)
		err := run(t.Context(), append(append(append([]string{"partitions"}, words[:at]...), "--postgres", dsn), words[at:]...), func(string) string { return "" }, &out)
		if (fails == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), fails) || !strings.Contains(out.String(), told) {
			t.Errorf("usher partitions %s: %v, want %q; told %q", args, err, fails, out.String())
		}
	}
	f("", "", "say a step")
	f("burn", "", "say a step")
	f("archive", "", "say a step")
	f("list 2026-01", "", "say a step")
	f("ahead --months 61", "", "--months: 61")
	f("detach", "", "--before")
	f("detach --before x", "", "no month")
	f("archive 2026-11", "", "--dir is needed")
	f("attach --dir "+dir+" 2026-11", "", "no such file")
	f("ahead --months 2", "are there", "")
	pgtest.Event(t, s, 20)
	f("list", "2026-11  in use", "")
	f("detach --before 2026-12", "", "is not over")
	if _, err := s.Pool().Exec(t.Context(), `UPDATE events SET start_time = now() - interval '40 days', end_time = now() - interval '39 days'`); err != nil {
		t.Fatal(err)
	}
	f("detach --before 2026-11", "", "") // none is older
	f("list", "2026-11  in use", "")
	f("archive --dir "+dir+" 2026-11", "", "detach the month first")
	f("detach --before 2026-12", "2026-11 is detached", "")
	f("list", "2026-11  detached", "")
	f("archive --dir "+dir+" --drop 2026-11", "checked", "")
	f("attach 2026-11", "", "from its archive")
	f("attach --dir "+dir+" 2026-11", "in use again", "")
	if n := pgtest.Count(t, s, `SELECT count(*) FROM tickets`); n != 20 {
		t.Errorf("%d tickets came back, want 20", n)
	}
}
