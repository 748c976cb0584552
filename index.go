package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"usher/booking/command"
	"usher/catalog/change"
	"usher/catalog/pgcatalog"
	"usher/internal/stream"
	"usher/search/indexer"
	"usher/search/pgsource"
)

// runIndexer keeps the search index equal to what Postgres says.
func runIndexer(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	r, err := begin(ctx, "indexer", args, getenv, out, nil, "postgres", "kafka", "elasticsearch")
	if err != nil {
		return err
	}
	x, done, err := r.indexer(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.parts = append(r.parts, x.Run, r.metrics)
	return r.run(ctx)
}

// runReindex builds a new search index from Postgres while the old one serves, and lets searches go to it.
func runReindex(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var pace indexer.Pace
	var set *flag.FlagSet
	r, err := begin(ctx, "reindex", args, getenv, out, func(f *flag.FlagSet) {
		set = f
		f.IntVar(&pace.PerSecond, "rate", 0, "documents a second at most; 0: as fast as Postgres and the index go")
	}, "postgres", "kafka", "elasticsearch")
	if err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("usher reindex takes no argument %q; see usher reindex -h", set.Arg(0))
	}
	if pace.PerSecond < 0 {
		return fmt.Errorf("--rate: %d is below 0", pace.PerSecond)
	}
	x, done, err := r.indexer(ctx)
	if err != nil {
		return err
	}
	defer done()
	r.parts = append(r.parts, func(ctx context.Context) error {
		return x.Rebuild(ctx, pace, newRebuildReport(out).tell)
	})
	return r.run(ctx)
}

// indexer composes what keeps the index. done closes what it has opened.
func (r *role) indexer(ctx context.Context) (x *indexer.Indexer, done func(), err error) {
	if _, _, err := r.logs(ctx); err != nil {
		return nil, nil, err
	}
	index, err := r.searchIndex()
	if err != nil {
		return nil, nil, err
	}
	reading, err := pgcatalog.Open(ctx, r.Postgres, max(2, r.PGConns/2)) // of its own: leading keeps connections of the other
	if err != nil {
		return nil, nil, err
	}
	return indexer.New(indexer.Config{
		Topic: change.Topic, Partitions: command.Partitions, Lead: r.store.Lead, TryLead: r.store.TryLead, Log: r.log,
	}, stream.Open(r.brokers(), change.Topic), pgsource.New(reading.Pool()), index), reading.Close, nil
}

// rebuildEvery is how often a rebuild tells how far it is.
const rebuildEvery = 2 * time.Second

// rebuildReport tells how far a rebuild is.
type rebuildReport struct {
	out         io.Writer
	began, told time.Time
}

func newRebuildReport(out io.Writer) *rebuildReport {
	return &rebuildReport{out: out, began: time.Now(), told: time.Now()}
}

func (p *rebuildReport) tell(at indexer.Progress) {
	took := time.Since(p.began)
	speed := float64(at.Done) / max(took.Seconds(), 0.001)
	switch {
	case at.Searched:
		fmt.Fprintf(p.out, "%s is searched now: %d events, %d refused, %s, %.0f a second\n", at.Index, at.Done, at.Refused, took.Round(time.Millisecond), speed)
	case at.Packing:
		fmt.Fprintf(p.out, "%s: %d events are in it, being laid out for searching\n", at.Index, at.Done)
	case at.CatchingUp:
		fmt.Fprintf(p.out, "%s: %d events are in it, catching up with what changed meanwhile\n", at.Index, at.Done)
	case time.Since(p.told) >= rebuildEvery:
		p.told = time.Now()
		fmt.Fprintf(p.out, "%s: %d of %d events, %.0f a second\n", at.Index, at.Done, at.Total, speed)
	}
}
