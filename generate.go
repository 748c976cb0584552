package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"usher/catalog/generate"
	"usher/catalog/importer"
	"usher/internal/config"
)

// What `usher generate` makes unless it is told otherwise: half a year of 2,000 venues, and so few events on sale that their tickets are
// made in seconds.
const (
	usualVenues  = 2000
	usualEvents  = 200_000
	usualDays    = 182
	usualTickets = 200
)

// runGenerate makes a catalog from a seed, into a file that `usher import` reads, or directly into Postgres.
func runGenerate(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var o generate.Options
	var from, file string
	var set *flag.FlagSet
	c, err := config.Load("generate", args, getenv, out, func(f *flag.FlagSet) {
		set = f
		f.StringVar(&from, "from", "", "the first day, as 2027-02-01 (default: this week's Monday)")
		f.StringVar(&file, "out", "", "write JSON Lines to this file, - for standard output, instead of loading into Postgres")
		optionFlags(f, &o)
	})
	if err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("usher generate takes no argument %q; see usher generate -h", set.Arg(0))
	}
	if o.From = importer.Monday(time.Now()); from != "" {
		if o.From, err = time.Parse(time.DateOnly, from); err != nil {
			return fmt.Errorf("--from: %q is no day such as 2027-02-01", from)
		}
	}
	if file == "" {
		if err := c.Need("postgres"); err != nil {
			return fmt.Errorf("name a file with --out, or where to load: %w", err)
		}
	}
	if !isSet(set, "tickets") {
		o.Tickets = min(o.Tickets, o.Events)
	}
	catalog, err := generate.New(o)
	if err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	if err := deliver(ctx, catalog, file, c.Postgres, out); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "again      --seed %d --venues %d --stadiums %d --events %d --from %s --days %d --tickets %d\n",
		o.Seed, o.Venues, o.Stadiums, o.Events, o.From.Format(time.DateOnly), o.Days, o.Tickets)
	return nil
}

// optionFlags declares a flag for each option that is a number.
func optionFlags(f *flag.FlagSet, o *generate.Options) {
	f.Uint64Var(&o.Seed, "seed", 1, "equal seeds and settings make equal catalogs; loading one again changes nothing")
	f.IntVar(&o.Venues, "venues", usualVenues, "how many venues, 1 to 100,000")
	f.IntVar(&o.Stadiums, "stadiums", 0, "how many of them are stadiums, 0 to 50")
	f.IntVar(&o.Events, "events", usualEvents, "how many events, 1 to 20,000,000, at most two a day in a venue")
	f.IntVar(&o.Days, "days", usualDays, "how many days the events are spread over, 1 to 3,660")
	f.IntVar(&o.Tickets, "tickets", usualTickets, "how many of the events are on sale: their tickets are made")
}

func isSet(set *flag.FlagSet, name string) (found bool) {
	set.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// deliver brings a catalog to where it is wanted: standard output, a file, or Postgres. Standard output is for the catalog alone.
func deliver(ctx context.Context, catalog *generate.Catalog, file, postgres string, out io.Writer) error {
	switch file {
	case "":
		return importer.Run(ctx, importer.Options{Postgres: postgres, Generated: catalog}, os.Stderr)
	case "-":
		return importer.Write(ctx, catalog, out, os.Stderr)
	default:
		return writeFile(ctx, catalog, file)
	}
}

// writeFile writes the whole file or none: it gets its name when it is complete.
func writeFile(ctx context.Context, catalog *generate.Catalog, name string) (err error) {
	part := name + ".part"
	f, err := os.Create(part)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	err = errors.Join(importer.Write(ctx, catalog, f, os.Stderr), f.Close())
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("--out: %w", err), os.Remove(part))
	}
	return nil
}
