package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"usher/catalog/data"
	"usher/catalog/generate"
	"usher/catalog/listing"
	"usher/catalog/money"
	"usher/catalog/pgcatalog"
	"usher/images"
)

// Options says what is imported.
type Options struct {
	Postgres     string            // connection string
	Files        []string          // of any format; a folder is one of openfootball, - is standard input
	Format       string            // of all files, one of Formats; empty: each by its name and its content
	Seats        int               // of an event of a listing that says none, 1 to id.MaxSeats; 0: refused
	Defaults     listing.Defaults  // what else listings may not say
	Stdin        io.Reader         // what - reads
	Demo         bool              // the demo catalog, before the files
	Generated    *generate.Catalog // a generated one, before the files; may be nil
	Tickets      bool              // make the tickets of all events that are read, not only of those marked on_sale
	Shift        string            // by how many days the matches of openfootball move: a number, "auto", or "" for none
	AllowRefused bool              // refused records are no error
	Images       images.Store      // where pictures are kept; nil: events that bring one are refused, and the demo has none
	Now          time.Time
}

const (
	sellers   = 2 // makers of tickets at once: Postgres is busy with two
	saleQueue = 64
)

// Run imports, writes what happens to out, and returns ErrRefused if records were left out and that was not allowed. Any other error means
// that the import stopped; what was put before it stays, and the import can be repeated.
func Run(ctx context.Context, o Options, out io.Writer) error {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if !o.Demo && o.Generated == nil && len(o.Files) == 0 {
		return errors.New("nothing to import: name files, or --demo")
	}
	if _, err := newListings(o, nil); err != nil { // before anything is opened
		return fmt.Errorf("import: %w", err)
	}
	store, err := pgcatalog.Open(ctx, o.Postgres, sellers+1)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Migrated(ctx); err != nil {
		return err
	}
	report := newReport(out)
	sell := make(chan saleRequest, saleQueue)
	g, ctx := errgroup.WithContext(ctx)
	for range sellers {
		g.Go(func() error { return makeTickets(ctx, store, report, sell) })
	}
	g.Go(func() error {
		defer close(sell)
		l := &loader{store: store, report: report, all: o.Tickets, sell: sell, images: newPictures(o.Images)}
		if err := readAll(ctx, o, l); err != nil {
			return err
		}
		return l.flush(ctx)
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if err := report.close(); err != nil && !o.AllowRefused {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

func makeTickets(ctx context.Context, store *pgcatalog.Store, report *report, sell <-chan saleRequest) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r, more := <-sell:
			if !more {
				return nil
			}
			report.sell()
			n, err := store.OpenSale(ctx, r.event)
			if err != nil {
				return fmt.Errorf("%s, line %d: %w", r.File, r.Line, err)
			}
			report.made(n)
		}
	}
}

// readAll reads the demo catalog, a generated one, then the files in their order. A file that cannot be read is refused like a record.
func readAll(ctx context.Context, o Options, to *loader) error {
	if o.Demo {
		if err := readDemo(ctx, o, to); err != nil {
			return err
		}
	}
	if o.Generated != nil {
		if err := readGenerated(ctx, o.Generated, to); err != nil {
			return err
		}
	}
	l, err := newListings(o, to)
	if err != nil {
		return err
	}
	for _, name := range o.Files {
		if err := readFile(ctx, o, name, l); err != nil {
			var missing *fs.PathError
			if !errors.As(err, &missing) {
				return err
			}
			to.refuse(Place{name, 1}, err)
		}
	}
	return l.flush(ctx)
}

// readFootball reads a file of matches, or the folder of one.
func readFootball(ctx context.Context, o Options, name string, to sink) error {
	f, err := newFootball(o)
	if err != nil {
		return err
	}
	folder, base := os.DirFS(filepath.Dir(name)), filepath.Base(name)
	if base == "." || base == ".." || strings.HasSuffix(name, string(filepath.Separator)) {
		folder, base = os.DirFS(name), "."
	}
	matches, err := footballFile(folder, base)
	if err != nil {
		return err
	}
	return f.read(ctx, folder, matches, to)
}

// readDemo reads what ships with Usher: half a year of events everywhere, and the World Cup with its final on sale.
func readDemo(ctx context.Context, o Options, to *loader) error {
	d := &demo{now: o.Now}
	var err error
	if d.money, err = money.Load(); err != nil {
		return err
	}
	if err := errors.Join(decode("demo/venues.json", &d.venues), decode("demo/acts.json", &d.acts)); err != nil {
		return err
	}
	if err := d.read(ctx, to); err != nil {
		return err
	}
	if o.Shift == "" {
		o.Shift = "auto"
	}
	f, err := newFootball(o)
	if err != nil {
		return err
	}
	f.posters = true
	if err := decode("demo/allocations.json", &f.allocations); err != nil {
		return err
	}
	return f.read(ctx, data.Files, "worldcup-2026/worldcup.json", to)
}

func newFootball(o Options) (f *football, err error) {
	f = &football{}
	if f.shift, err = parseShift(o.Shift, o.Now); err != nil {
		return nil, err
	}
	if f.money, err = money.Load(); err != nil {
		return nil, err
	}
	return f, decode("tournament.json", &f.tournament)
}

// decode reads a file that ships with Usher.
func decode(name string, into any) error {
	b, err := data.Files.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("catalog/data/%s: %w", name, err)
	}
	return nil
}
