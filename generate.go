package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"usher/catalog/generate"
	"usher/catalog/importer"
	"usher/internal/config"
)

// runGenerate makes a catalog and writes it to a file, to the standard output, or straight into Postgres.
func runGenerate(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	s := generate.Settings{From: thisMonday(time.Now())}
	var from, file string
	c, err := config.Load("generate", args, getenv, out, func(f *flag.FlagSet) {
		f.Uint64Var(&s.Seed, "seed", 1, "the same seed and settings make the same catalog")
		f.IntVar(&s.Events, "events", 200_000, "how many events")
		f.IntVar(&s.Venues, "venues", 0, "how many venues (0: a twentieth of the events)")
		f.IntVar(&s.Days, "days", 365, "how many days the events are spread over")
		f.IntVar(&s.OnSale, "on-sale", 0, "how many of the events have their tickets made: about 500 rows each")
		f.StringVar(&from, "from", "", "first day, such as 2027-01-01 (empty: this week's Monday)")
		f.StringVar(&file, "out", "", "write JSON Lines to this file (-: the standard output) instead of importing into --postgres")
	})
	if err != nil {
		return err
	}
	if from != "" {
		if s.From, err = time.Parse(time.DateOnly, from); err != nil {
			return fmt.Errorf("--from: %q is no date such as 2027-01-01", from)
		}
	}
	if file != "" {
		return writeCatalog(file, s, out)
	}
	if err := c.Need("postgres"); err != nil {
		return fmt.Errorf("%w; or name a file with --out", err)
	}
	r, w := io.Pipe()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		lines := bufio.NewWriterSize(w, 1<<20)
		err := errors.Join(generate.Write(lines, s, nil), lines.Flush())
		return errors.Join(err, w.CloseWithError(err))
	})
	g.Go(func() error {
		err := importer.Run(ctx, importer.Options{Postgres: c.Postgres, Input: r}, out)
		_ = r.CloseWithError(err) // the writer stops too
		return err
	})
	return g.Wait()
}

// writeCatalog writes a catalog as JSON Lines.
func writeCatalog(name string, s generate.Settings, out io.Writer) error {
	if name == "-" {
		lines := bufio.NewWriterSize(out, 1<<20)
		return errors.Join(generate.Write(lines, s, nil), lines.Flush())
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	lines := bufio.NewWriterSize(f, 1<<20)
	err = errors.Join(generate.Write(lines, s, func(n int) {
		if n%100_000 == 0 {
			fmt.Fprintf(os.Stderr, "%d events\n", n)
		}
	}), lines.Flush(), f.Close())
	if err == nil {
		fmt.Fprintf(out, "%d events in %s; `usher import %s` reads them.\n", s.Events, name, name)
	}
	return err
}

// thisMonday is the first day of t's week.
func thisMonday(t time.Time) time.Time {
	t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
}
