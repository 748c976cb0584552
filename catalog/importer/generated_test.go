package importer

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"usher/catalog/generate"
)

// What `usher generate` makes is imported without a refusal, and again without a change.
func TestAGeneratedCatalogIsImported(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	var catalog bytes.Buffer
	s := generate.Settings{Seed: 5, Events: 600, Venues: 40, Days: 60, OnSale: 2, From: time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)}
	if err := generate.Write(&catalog, s, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"600 added", "600 unchanged"} {
		var out strings.Builder
		err := Run(t.Context(), Options{Postgres: dsn, Input: bytes.NewReader(catalog.Bytes())}, &out)
		if err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%v, want %q in %s", err, want, out.String())
		}
	}
}
