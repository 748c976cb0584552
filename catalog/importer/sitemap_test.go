package importer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/catalog"
	"usher/catalog/pgcatalog"
	"usher/internal/id"
)

// What lists events for search engines rests on: an id is given once and for all in its month, so a range of ids never gets an event of another.
func TestRangesOfIDsKeepTheirEvents(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	evening := func(n int, day string) string {
		return fmt.Sprintf(`{"type":"event","id":"e-%d","name":"Evening %d","venue":"hall","performers":["owls"],"start_time":"%sT20:00:00","currency":"CAD","prices":{"A":1,"B":1,"C":1}}`+"\n", n, n, day)
	}
	put := func(events string) {
		t.Helper()
		if out, err := run(t, Options{Postgres: dsn, Files: []string{file(t, "a.jsonl", strings.Replace(small, `"on_sale":true`, `"on_sale":false`, 1)+events)}}); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	put(evening(1, "2027-02-05") + evening(2, "2027-02-06") + evening(3, "2027-03-01"))
	store, err := pgcatalog.Open(context.Background(), dsn, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const february, march = 325, 326
	months, err := store.Months(t.Context(), february)
	if want := []catalog.Month{{Month: february, Last: 3}, {Month: march, Last: 1}}; err != nil || !slices.Equal(months, want) {
		t.Errorf("%v %v, want %v", months, err, want)
	}
	if months, err = store.Months(t.Context(), march); err != nil || len(months) != 1 {
		t.Errorf("from March: %v %v", months, err)
	}
	listed := func(month, from, before int, since time.Time) (out []id.Event) {
		t.Helper()
		first := id.Event(month) * id.MaxSequence
		list, err := store.Listed(t.Context(), first+id.Event(from), first+id.Event(before), since)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			if l.Updated.IsZero() {
				t.Errorf("%s has no time of its last change", l.Event)
			}
			out = append(out, l.Event)
		}
		return out
	}
	before := listed(february, 0, 3, today)
	put(evening(4, "2027-02-01") + evening(5, "2027-03-02") + evening(2, "2027-06-01")) // earlier, in another month, and moved to another
	if after := listed(february, 0, 3, today); len(before) != 2 || !slices.Equal(before, after) {
		t.Errorf("the first range was %v and is %v", before, after)
	}
	if more := listed(february, 3, 10_000, today); len(more) != 2 {
		t.Errorf("the rest of the month: %v", more)
	}
	if over := listed(february, 0, 10_000, today.AddDate(0, 4, 0)); len(over) != 1 { // only the one that was moved is not over
		t.Errorf("not over in March: %v", over)
	}
}
