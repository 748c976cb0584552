package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"usher/booking/report"
	"usher/internal/id"
)

// runReport writes what was sold as CSV, by event, section and price.
func runReport(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var event, to string
	var f report.Filter
	var set *flag.FlagSet
	r, err := begin(ctx, "report", args, getenv, out, func(s *flag.FlagSet) {
		set = s
		s.StringVar(&event, "event", "", "only this event")
		s.StringVar(&f.From, "from", "", "only events on this day and later, at their venue, such as 2026-06-11")
		s.StringVar(&f.To, "to", "", "only events up to this day, at their venue")
		s.StringVar(&to, "out", "", "write into this file, which appears when it is whole (default: to the terminal or pipe)")
	}, "postgres")
	if err != nil {
		return err
	}
	defer r.store.Close()
	if set.NArg() > 0 {
		return fmt.Errorf("usher report takes no argument %q; see usher report -h", set.Arg(0))
	}
	for flag, day := range map[string]string{"from": f.From, "to": f.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return fmt.Errorf("--%s: %q is no day such as 2026-06-11", flag, day)
		}
	}
	if f.From != "" && f.To != "" && f.To < f.From {
		return fmt.Errorf("--to: %s is before --from, %s", f.To, f.From)
	}
	if event != "" {
		if f.Event, err = id.ParseEvent(event); err != nil {
			return fmt.Errorf("--event: %q is no id of an event", event)
		}
	}
	if to == "" {
		return r.report(ctx, f, out)
	}
	return whole(to, func(file io.Writer) error { return r.report(ctx, f, file) })
}

// report writes the sales that a filter picks. What is missing is told in the log: the table has no place for it.
func (r *role) report(ctx context.Context, f report.Filter, out io.Writer) error {
	buffered := bufio.NewWriterSize(out, 64<<10)
	w, err := report.NewWriter(buffered)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	events, absent, err := r.store.Report(ctx, f, w.Write)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), buffered.Flush()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if f.Event != 0 && events+absent == 0 {
		return fmt.Errorf("event %s does not exist, or its sale has not opened", f.Event)
	}
	if absent > 0 {
		return fmt.Errorf("%d events are in the report; the tickets of %d more are not in this database: bring their months back with usher partitions attach", events, absent)
	}
	r.log.Info("reported", "events", events)
	return nil
}

// whole writes a file that appears under its name when it is whole and on the disk, or not at all.
func whole(name string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // nothing is there any more when all went well
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
