package listing

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func reader(t testing.TB, d Defaults) *Reader {
	t.Helper()
	r, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read reads a text in the format of a file's name.
func read(r *Reader, name string, in io.Reader) (found []Found, err error) {
	by := map[string]func(context.Context, io.Reader, func(Found) error) error{".html": r.HTML, ".jsonld": r.JSONLD, ".csv": r.CSV}
	err = by[filepath.Ext(name)](context.Background(), in, func(f Found) error { found = append(found, f); return nil })
	return found, err
}

// describe tells all that was found.
func describe(found []Found) string {
	var b strings.Builder
	for _, f := range found {
		if f.Err != nil {
			fmt.Fprintf(&b, "line %d refused: %s\n\n", f.Line, strings.ReplaceAll(f.Err.Error(), "\n", "; "))
			continue
		}
		e := f.Event
		zone, err := time.LoadLocation(e.Venue.Zone)
		if err != nil {
			zone = time.UTC
		}
		fmt.Fprintf(&b, "line %d: %s\n  key %s\n  %s for %s, %d seats, %s %v, category %q, on sale %t\n", f.Line, e.Name, e.Key, e.Start.In(zone).Format(time.RFC3339), e.Length, e.Seats,
			e.Currency, e.Prices, e.Category, e.OnSale)
		fmt.Fprintf(&b, "  at %s: %s, %s, %s, %s", e.Venue.Key, e.Venue.Name, e.Venue.City, e.Venue.Country, e.Venue.Zone)
		if e.Venue.Latitude != nil {
			fmt.Fprintf(&b, ", %g %g", *e.Venue.Latitude, *e.Venue.Longitude)
		}
		fmt.Fprintf(&b, "\n  with %v\n  %q %s %q\n\n", e.Performers, e.Details, e.Image, e.Notes)
	}
	return b.String()
}

func TestFilesAsTheyAreFound(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if filepath.Ext(name) == ".golden" {
			continue
		}
		seen++
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			in, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = in.Close() }()
			found, err := read(reader(t, Defaults{}), name, in)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(found)
			if *update {
				if err := os.WriteFile(name+".golden", []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("not as in %s.golden:\n%s", name, got)
			}
		})
	}
	if seen < 3 {
		t.Errorf("%d files", seen)
	}
}

// golden is a file of testdata.
func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
