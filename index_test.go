package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"usher/search/indexer"
)

func TestBadFlagsOfReindexSayWhatToDo(t *testing.T) {
	t.Parallel()
	f := func(args, want string) {
		t.Helper()
		var out bytes.Buffer
		err := run(t.Context(), strings.Fields(args), func(string) string { return "" }, &out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("usher %s: %v, want …%s…", args, err, want)
		}
	}
	const stores = "--postgres postgres://127.0.0.1:1/x --kafka 127.0.0.1:1 --elasticsearch http://127.0.0.1:1"
	f("reindex", "--elasticsearch (or USHER_ELASTICSEARCH) is needed")
	f("reindex", "--postgres (or USHER_POSTGRES) is needed")
	f("indexer", "--kafka (or USHER_KAFKA) is needed")
	f("reindex "+stores+" --rate x", "rate")
	f("reindex "+stores+" --rate -1", "--rate: -1 is below 0")
	f("reindex "+stores+" stray", `takes no argument "stray"`)
	f("indexer "+stores+" stray", `takes no argument "stray"`)
}

func TestARebuildTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newRebuildReport(&out)
	p.tell(indexer.Progress{Index: "x", Done: 5, Total: 70}) // too soon
	p.told = time.Now().Add(-rebuildEvery)
	p.tell(indexer.Progress{Index: "x", Done: 10, Total: 70})
	p.tell(indexer.Progress{Index: "x", Done: 20, Total: 70})
	p.tell(indexer.Progress{Index: "x", Done: 70, Total: 70, CatchingUp: true})
	p.tell(indexer.Progress{Index: "x", Done: 70, Total: 70, Refused: 2, CatchingUp: true, Searched: true})
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{"x: 10 of 70 events, ", "x: 70 events are in it, catching up", "x is searched now: 70 events, 2 refused, "} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q…", i, lines[i], want)
		}
	}
	if len(lines) != 4 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}
