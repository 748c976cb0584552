// Package indextest holds every index to what search.Index promises: Run is the suite, and Memory the index that shows what is meant.
package indextest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/internal/id"
	"usher/search"
)

// Indexed is an index that shows what is in it.
type Indexed interface {
	search.Index
	// Contents is what searches of an index find, by event: a text that begins with the version, and tells all that is shown of it, if not all that is stored. Whatever
	// is stored alike has the same text.
	Contents(ctx context.Context, index string) (map[id.Event]string, error)
}

// Run runs the suite; open makes an empty place for indices.
func Run(t *testing.T, open func(t testing.TB) Indexed) {
	for name, test := range map[string]func(t *testing.T, x Indexed){
		"AnOlderDocumentNeverReplacesANewerOne":     olderStays,
		"AnyOrderAndRepeatsMakeTheSameIndex":        anyOrder,
		"WhatIsRefusedHindersNothing":               refusals,
		"SearchesGoToAnotherIndexFromOneMomentOn":   switching,
		"AnIndexThatIsNotSearchedCanBeDropped":      dropping,
		"ALongDocumentIsTaken":                      long,
		"PackingChangesNothing":                     packing,
		"WhatIsShownDoesNotDependOnHowOftenItIsPut": again,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// Sample is a document of an event, number n, in the given version: no two versions are alike.
func Sample(n int, version int64) search.Document {
	e, err := id.NewEvent(322, n)
	if err != nil {
		panic(err)
	}
	start := time.Date(2026, 11, 24, 19, n%60, 0, 0, time.UTC)
	latitude, longitude := 43.6532, -79.3832
	return search.Document{
		Event: e, Version: version, Name: fmt.Sprintf("Owls %d, version %d", n, version), Details: fmt.Sprintf("for the %d. time", version),
		Performers: []search.DocumentPerformer{{ID: "per-1", Name: "The Copper Owls"}}, Start: start, End: start.Add(time.Hour),
		Date: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC),
		Venue: search.Venue{ID: "ven-1", Name: "The Lantern", Location: "Toronto, Canada", City: "Toronto", Country: "CA", Latitude: &latitude,
			Longitude: &longitude, TimeZone: "America/Toronto"},
		Category: "Music", Currency: "CAD", Prices: []search.DocumentPrice{{Level: "A", Price: 4000 + int(version)}}, PriceFrom: 4000 + int(version),
		PriceTo: 4000 + int(version), OnSale: version%2 == 0, ForSale: version%3 == 0, Capacity: 20,
	}
}

// Must ends a test that cannot go on.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// NewIndex makes an index with documents in it, which searches find.
func NewIndex(t testing.TB, x Indexed, docs ...search.Document) string {
	t.Helper()
	name, err := x.NewIndex(t.Context())
	Must(t, err)
	Put(t, x, name, docs...)
	return name
}

// Put puts documents, none of which is refused, and shows them.
func Put(t testing.TB, x Indexed, index string, docs ...search.Document) {
	t.Helper()
	if len(docs) > 0 {
		refused, err := x.Put(t.Context(), index, docs)
		Must(t, err)
		if len(refused) > 0 {
			t.Fatalf("refused: %+v", refused)
		}
	}
	Must(t, x.Refresh(t.Context(), index))
}

// Contents is what searches of an index find.
func Contents(t testing.TB, x Indexed, index string) map[id.Event]string {
	t.Helper()
	contents, err := x.Contents(t.Context(), index)
	Must(t, err)
	return contents
}

// Same reports whether two indices have the same contents, and tells in what they differ.
func Same(t testing.TB, got, want map[id.Event]string) bool {
	t.Helper()
	if maps.Equal(got, want) {
		return true
	}
	t.Logf("%d documents, want %d", len(got), len(want))
	said := 0
	for e := range want {
		if got[e] != want[e] && said < 3 {
			said++
			t.Logf("event %s is\n  %q, want\n  %q", e, got[e], want[e])
		}
	}
	return false
}

// holds wants an index to have exactly these documents.
func holds(t testing.TB, x Indexed, index, otherwise string, docs ...search.Document) {
	t.Helper()
	if !Same(t, Contents(t, x, index), Contents(t, x, NewIndex(t, x, docs...))) {
		t.Error(otherwise)
	}
}

func olderStays(t *testing.T, x Indexed) {
	got := NewIndex(t, x, Sample(1, 5), Sample(2, 5))
	Put(t, x, got, Sample(1, 4), Sample(2, 6), Sample(3, 1))
	altered := Sample(3, 1)
	altered.Name = "The same version with another name"
	Put(t, x, got, altered)
	holds(t, x, got, "an older document replaced a newer one, or the other way round", Sample(1, 5), Sample(2, 6), Sample(3, 1))
}

// anyOrder puts the same versions twice, in another order each time, in batches that may hold several versions of one event.
func anyOrder(t *testing.T, x Indexed) {
	const events, versions, runs = 40, 8, 3
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var all, last []search.Document
	for n := range events {
		for v := range versions {
			all = append(all, Sample(n, int64(v+1)), Sample(n, int64(v+1)))
		}
		last = append(last, Sample(n, versions))
	}
	want := Contents(t, x, NewIndex(t, x, last...))
	for range runs {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		got := NewIndex(t, x)
		for docs := range slices.Chunk(all, 1+random.IntN(100)) {
			Put(t, x, got, docs...)
		}
		if !Same(t, Contents(t, x, got), want) {
			t.Fatalf("another order made another index; seed %d", seed)
		}
	}
}

func refusals(t *testing.T, x Indexed) {
	got := NewIndex(t, x)
	bad := Broken(2)
	refused, err := x.Put(t.Context(), got, []search.Document{Sample(1, 1), bad, Sample(3, 1)})
	Must(t, err)
	if len(refused) != 1 || refused[0].Event != bad.Event || refused[0].Reason == "" {
		t.Errorf("refused %+v, want %s with a reason", refused, bad.Event)
	}
	Must(t, x.Refresh(t.Context(), got))
	holds(t, x, got, "what was beside a refused document is not as it should be", Sample(1, 1), Sample(3, 1))
	refused, err = x.Put(t.Context(), got, []search.Document{bad})
	Must(t, err)
	if len(refused) != 1 {
		t.Errorf("alone it was refused %d times", len(refused))
	}
	Put(t, x, got, Sample(2, 2)) // mended
	holds(t, x, got, "a document that was mended is not in the index", Sample(1, 1), Sample(2, 2), Sample(3, 1))
}

// Broken is a document that no index takes: its venue lies nowhere on earth.
func Broken(n int) search.Document {
	d := Sample(n, 1)
	latitude := 1000.0
	d.Venue.Latitude = &latitude
	return d
}

func switching(t *testing.T, x Indexed) {
	if current, err := x.Current(t.Context()); err != nil || current != "" {
		t.Errorf("at first %q is searched, %v", current, err)
	}
	first := NewIndex(t, x, Sample(1, 1))
	if current, err := x.Current(t.Context()); err != nil || current != "" {
		t.Errorf("before the switch %q is searched, %v", current, err)
	}
	names := []string{first}
	for n := range 3 {
		if n > 0 {
			names = append(names, NewIndex(t, x, Sample(1, int64(n+1))))
		}
		index := names[n]
		Must(t, x.Switch(t.Context(), index))
		Must(t, x.Switch(t.Context(), index)) // again is fine
		if current, err := x.Current(t.Context()); err != nil || current != index {
			t.Errorf("%q is searched, %v; want %q", current, err, index)
		}
		for i := max(0, n-1); i <= n; i++ { // the one before is kept
			if _, err := x.Contents(t.Context(), names[i]); err != nil {
				t.Errorf("after the switch to index %d, index %d: %v", n, i, err)
			}
		}
	}
	if names[0] == names[1] || names[1] == names[2] || names[0] == names[2] {
		t.Errorf("names of indices: %q", names)
	}
	Must(t, x.Switch(t.Context(), names[1])) // back
	if current, err := x.Current(t.Context()); err != nil || current != names[1] {
		t.Errorf("back, %q is searched, %v", current, err)
	}
	if err := x.Switch(t.Context(), "nowhere"); err == nil {
		t.Error("searches were sent to an index that does not exist")
	}
}

func dropping(t *testing.T, x Indexed) {
	searched := NewIndex(t, x, Sample(1, 1))
	Must(t, x.Switch(t.Context(), searched))
	other := NewIndex(t, x, Sample(2, 1))
	Must(t, x.Drop(t.Context(), other))
	if _, err := x.Contents(t.Context(), other); err == nil {
		t.Error("a dropped index is still there")
	}
	if _, err := x.Put(t.Context(), other, []search.Document{Sample(1, 1)}); err == nil {
		t.Error("a dropped index takes documents")
	}
	if err := x.Drop(t.Context(), searched); err == nil {
		t.Error("the index that is searched was dropped")
	}
	if got, err := x.Contents(t.Context(), searched); err != nil || len(got) != 1 {
		t.Errorf("the index that is searched has %d documents, %v", len(got), err)
	}
}

func long(t *testing.T, x Indexed) {
	d := Sample(1, 1)
	d.Details = strings.Repeat("日本語 long ", 2500) // 20,000 characters, as an import takes them
	contents := Contents(t, x, NewIndex(t, x, d, Sample(2, 1)))
	if len(contents) != 2 || !strings.Contains(contents[d.Event], d.Details) {
		t.Errorf("%d documents are in the index, want the long one and the other", len(contents))
	}
}

func again(t *testing.T, x Indexed) {
	got := NewIndex(t, x)
	for range 5 {
		Put(t, x, got, Sample(1, 3), Sample(2, 1), Sample(1, 3))
	}
	holds(t, x, got, "repeats made another index", Sample(1, 3), Sample(2, 1))
}

// packing keeps what is there, whether it has been packed before or not, and what is put later.
func packing(t *testing.T, x Indexed) {
	name := NewIndex(t, x, Sample(1, 2), Sample(2, 1))
	for version := range int64(3) {
		Put(t, x, name, Sample(3, version+1))
		before := Contents(t, x, name)
		Must(t, x.Pack(t.Context(), name))
		Must(t, x.Refresh(t.Context(), name))
		if !Same(t, Contents(t, x, name), before) {
			t.Errorf("packed after version %d it holds something else", version+1)
		}
	}
	Put(t, x, name, Sample(1, 1))
	holds(t, x, name, "after it was packed", Sample(1, 2), Sample(2, 1), Sample(3, 3))
	if err := x.Pack(t.Context(), name+"x"); err == nil {
		t.Error("an index that is not there is packed")
	}
}
