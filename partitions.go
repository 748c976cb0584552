package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"usher/booking/archive"
	"usher/booking/pgstore"
	"usher/internal/id"
)

// maxAhead bounds how many months are made ahead.
const maxAhead = 60

// partitionsUsage is what somebody reads who says no step, or one that there is not.
const partitionsUsage = `say a step: usher partitions list | ahead [--months 3] | detach --before 2026-01 | archive --dir DIR [--drop] 2026-01 | attach [--dir DIR] 2026-01`

// partitionSteps are what `usher partitions` does.
type partitionSteps struct {
	*role
	out         io.Writer
	months      int
	before, dir string
	drop        bool
	now         time.Time
	month       int // that the arguments name
}

// runPartitions looks after the months' partitions: list, ahead, detach, archive, attach.
func runPartitions(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	step := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		step, args = args[0], args[1:]
	}
	p := &partitionSteps{out: out, now: time.Now()}
	var set *flag.FlagSet
	r, err := begin(ctx, "partitions", args, getenv, out, func(f *flag.FlagSet) {
		set = f
		f.IntVar(&p.months, "months", 3, "ahead: how many months after this one, 1 to 60")
		f.StringVar(&p.before, "before", "", "detach: months before this one, such as 2026-01")
		f.StringVar(&p.dir, "dir", "", "archive, attach: folder of archives")
		f.BoolVar(&p.drop, "drop", false, "archive: drop the tables when the files are written and checked")
	}, "postgres")
	if err != nil {
		return err
	}
	defer r.store.Close()
	p.role = r
	steps := map[string]func(context.Context) error{"list": p.list, "ahead": p.ahead, "detach": p.detach, "archive": p.archive, "attach": p.attach}
	do, known := steps[step]
	if named := step == "archive" || step == "attach"; !known || named != (set.NArg() == 1) || set.NArg() > 1 {
		return errors.New(partitionsUsage)
	} else if named {
		if p.month, err = pgstore.ParseMonth(set.Arg(0)); err != nil {
			return err
		}
	}
	return do(ctx)
}

// list shows every month.
func (p *partitionSteps) list(ctx context.Context) error {
	all, err := p.store.Months(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "month\tstate\tMB\ttickets, about")
	for _, m := range all {
		state := "in use"
		switch {
		case m.Pending > 0 || m.Attached > 0 && m.Attached < len(pgstore.MonthTables):
			state = "half detached: detach it again"
		case m.Attached == 0:
			state = "detached"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", pgstore.MonthName(m.Month), state, m.Bytes>>20, m.Tickets)
	}
	return w.Flush()
}

// ahead makes this month's partitions and those of the next ones.
func (p *partitionSteps) ahead(ctx context.Context) error {
	if p.months < 1 || p.months > maxAhead {
		return fmt.Errorf("--months: %d is not from 1 to %d", p.months, maxAhead)
	}
	first, err := id.MonthOf(p.now)
	if err != nil {
		return err
	}
	for month := first; month <= first+p.months; month++ {
		if err := p.store.AddMonth(ctx, month); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.out, "%s to %s are there\n", pgstore.MonthName(first), pgstore.MonthName(first+p.months))
	return err
}

// detach puts away the months before one, the oldest first. It ends at the first that is not over.
func (p *partitionSteps) detach(ctx context.Context) error {
	before, err := pgstore.ParseMonth(p.before)
	if err != nil {
		return fmt.Errorf("--before: %w", err)
	}
	all, err := p.store.Months(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Month >= before || m.Attached+m.Pending == 0 {
			continue
		}
		if err := p.store.PutAway(ctx, m.Month); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(p.out, pgstore.MonthName(m.Month)+" is detached"); err != nil {
			return err
		}
	}
	return nil
}

// archive writes a month that is put away into files.
func (p *partitionSteps) archive(ctx context.Context) error {
	if p.dir == "" {
		return errors.New("--dir is needed: the folder of archives")
	}
	size, err := archive.Save(ctx, p.store, p.dir, p.month)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(p.out, "%s is in %s: %d bytes, checked\n", pgstore.MonthName(p.month), archive.Folder(p.dir, p.month), size); err != nil || !p.drop {
		return err
	}
	return p.store.DropMonth(ctx, p.month)
}

// attach brings a month back, from its tables or, where they are gone, from its archive.
func (p *partitionSteps) attach(ctx context.Context) error {
	var load func(*pgstore.MonthLoader) error
	if p.dir != "" {
		a, err := archive.Open(p.dir, p.month)
		if err != nil {
			return err
		}
		load = a.Load
	}
	if err := p.store.BringBack(ctx, p.month, load); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.out, pgstore.MonthName(p.month)+" is in use again")
	return err
}
