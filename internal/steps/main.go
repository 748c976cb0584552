package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	to := flag.String("svg", "", "file to draw the step responses to")
	seed := flag.Uint64("seed", 1, "of the people")
	flag.Parse()
	if err := run(os.Stdout, *to, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "steps:", err)
		os.Exit(1)
	}
}

// run plays every scenario at both doors, tells what came of it, and draws it.
func run(out io.Writer, to string, seed uint64) error {
	var runs [][2][]Sample
	for _, s := range Scenarios {
		both := [2][]Sample{Play(s, true, seed), Play(s, false, seed)}
		runs = append(runs, both)
		for i, door := range [...]string{"follows", "fixed"} {
			o := s.Judge(both[i])
			verdict := "keeps its criterion"
			if misses := s.Misses(o); len(misses) > 0 {
				verdict = "MISSES: " + strings.Join(misses, "; ")
			}
			fmt.Fprintf(out, "%-20s %-7s late %2.0f %%, settled %s after the end, back %s, overshoot %.0f %%, most inside %d, most payments %d: %s\n",
				s.Name, door, 100*o.Late, o.Settled, o.Back, 100*o.Overshoot, o.Inside, o.Paying, verdict)
		}
	}
	if to == "" {
		return nil
	}
	if err := os.WriteFile(to, []byte(plot(runs)), 0o644); err != nil {
		return fmt.Errorf("draw the step responses: %w", err)
	}
	return nil
}
