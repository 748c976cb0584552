package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBadFlagsOfGenerateSayWhatToDo(t *testing.T) {
	t.Parallel()
	f := func(args, want string) {
		t.Helper()
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"generate"}, strings.Fields(args)...), func(string) string { return "" }, &out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("generate %s: %v, want …%s…", args, err, want)
		}
	}
	f("", "name a file with --out, or where to load: --postgres (or USHER_POSTGRES) is needed")
	f("--out - stray", `takes no argument "stray"`)
	f("--out - --seed -1", "seed")
	f("--out - --seed x", "seed")
	f("--out - --venues 0", "venues: 0 is not from 1 to 100000")
	f("--out - --venues many", "venues")
	f("--out - --stadiums 51", "stadiums: 51 is not from 0 to 50")
	f("--out - --events 0", "events: 0 is not from 1 to 20000000")
	f("--out - --events 99999999999999999999", "events")
	f("--out - --venues 10 --days 10 --events 201", "events: 201 do not fit into 10 venues and 10 days")
	f("--out - --days 0", "days: 0 is not from 1 to 3660")
	f("--out - --tickets -1", "tickets: -1 is not from 0 to 200000")
	f("--out - --events 50 --tickets 51", "tickets: 51 is not from 0 to 50")
	f("--out - --from tomorrow", `--from: "tomorrow" is no day such as 2027-02-01`)
	f("--out - --from 2027-02-30", "--from")
	f("--out - --from 1999-12-31", "from: the year: 1999 is not from 2000 to 2290")
	f("--out /nowhere/at/all.jsonl", "--out: open /nowhere/at/all.jsonl.part")
	f("--nonsense", "not defined")
	f("--postgres nonsense", "postgres")
}

func TestAGeneratedFileIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "catalog.jsonl")
	args := []string{"generate", "--venues", "20", "--events", "100", "--from", "2026-11-23", "--days", "9", "--out"}
	env := func(string) string { return "" }
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := run(stopped, append(args, name), env, &bytes.Buffer{}); err != nil {
		t.Errorf("being told to stop is an error: %v", err)
	}
	if left, _ := filepath.Glob(name + "*"); len(left) > 0 {
		t.Errorf("a generation that was stopped leaves %v", left)
	}
	if err := run(t.Context(), append(args, name), env, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	if err := run(t.Context(), append(args, "-"), env, &stdout); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(written, stdout.Bytes()) || bytes.Count(written, []byte("\n")) < 120 {
		t.Errorf("the file has %d bytes, standard output %d", len(written), stdout.Len())
	}
}
