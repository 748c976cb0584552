package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Each scenario at a few crowds: the door that follows keeps the criterion, and the control, a door of a fixed pace, does not.
func TestTheDoorFollowsAndAFixedPaceDoesNot(t *testing.T) {
	t.Parallel()
	for _, s := range Scenarios {
		for seed := uint64(1); seed <= crowds; seed++ {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				o := s.Judge(Play(s, true, seed))
				for _, miss := range s.Misses(o) {
					t.Errorf("seed %d: %s", seed, miss)
				}
				if fixed := s.Judge(Play(s, false, seed)); len(s.Misses(fixed)) == 0 {
					t.Errorf("seed %d: a fixed pace keeps the criterion, too: %+v", seed, fixed)
				}
			})
		}
	}
}

func TestARunIsTheSameAgain(t *testing.T) {
	t.Parallel()
	s := Scenarios[1]
	if a, b := Play(s, true, 9), Play(s, true, 9); !slices.Equal(a, b) {
		t.Error("one seed played two runs")
	}
}

func TestThePlotIsWellFormed(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "steps.svg")
	if err := run(io.Discard, name, 1); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			lines++
		}
	}
	if want := 2 * len(panels) * len(Scenarios); lines != want {
		t.Errorf("%d lines are drawn, want %d", lines, want)
	}
}
