package audit

import (
	"context"
	"fmt"
	"time"

	"usher/internal/audit"
	"usher/internal/id"
)

const (
	askAtOnce = 5000 // commands whose results are asked for together
	lateAfter = time.Minute
)

// checkLog checks the log of commands: what the snapshot says was decided has results, and what was not is young.
func checkLog(ctx context.Context, r *audit.Report, s Snapshot, l Log) error {
	offsets, err := s.Offsets(ctx)
	if err != nil {
		return err
	}
	found := map[string]*audit.Finding{}
	for _, rule := range []audit.Rule{answered, undecided, ahead, behind} {
		found[rule.Name] = &audit.Finding{Rule: rule}
	}
	add := func(rule audit.Rule, n int, format string, args ...any) {
		f := found[rule.Name]
		f.Total += n
		if len(f.Rows) < audit.Examples {
			f.Rows = append(f.Rows, fmt.Sprintf(format, args...))
		}
	}
	for _, o := range offsets {
		first, end, err := l.Bounds(ctx, o.Partition)
		if err != nil {
			return err
		}
		if o.Next < first {
			add(undecided, int(first-o.Next), "partition %d: %d commands from offset %d on are gone", o.Partition, first-o.Next, o.Next)
		}
		if o.Next > end {
			add(ahead, int(o.Next-end), "partition %d ends at offset %d, and a worker has decided up to %d", o.Partition, end, o.Next)
		}
		past := min(max(o.Next, first), end)
		if err := decided(ctx, r, s, l, o.Partition, first, past, add); err != nil {
			return err
		}
		late, oldest := 0, time.Time{}
		for e, err := range l.Commands(ctx, o.Partition, past, end) {
			if err != nil {
				return err
			}
			if r.At.Sub(e.IssuedAt) > lateAfter {
				late++
				if oldest.IsZero() {
					oldest = e.IssuedAt
				}
			}
		}
		if late > 0 {
			add(behind, late, "partition %d: %d commands wait, the oldest since %s", o.Partition, late, oldest.UTC().Format(time.RFC3339))
		}
	}
	for _, rule := range []audit.Rule{answered, undecided, ahead, behind} {
		r.Findings = append(r.Findings, *found[rule.Name])
	}
	return nil
}

// decided looks for the results of the commands of a partition that were decided.
func decided(ctx context.Context, r *audit.Report, s Snapshot, l Log, partition int, from, to int64, add func(audit.Rule, int, string, ...any)) error {
	entries := make([]Entry, 0, askAtOnce)
	ask := func() error {
		ids := make([]id.Key, len(entries))
		at := make(map[id.Key]Entry, len(entries))
		for i, e := range entries {
			ids[i], at[e.Command] = e.Command, e
		}
		r.Commands += len(entries)
		entries = entries[:0]
		missing, err := s.Unanswered(ctx, ids)
		for _, k := range missing {
			add(answered, 1, "event %s: command %s at offset %d of partition %d", at[k].Event, k, at[k].Offset, partition)
		}
		return err
	}
	for e, err := range l.Commands(ctx, partition, from, to) {
		if err != nil {
			return err
		}
		if entries = append(entries, e); len(entries) == askAtOnce {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return ask()
}
