package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	bookings "usher/booking/audit"
	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/internal/audit"
	"usher/internal/stream"
	"usher/waitroom/pgledger"
)

// errBroken is what an audit ends with that has found a broken promise.
var errBroken = errors.New("at least one promise is broken")

// exitBroken is the exit code of an audit that has found a broken promise; 1 is that of one that could not tell.
const exitBroken = 3

// How old the payments may be whose charges an audit compares with what a provider has, in its own books, beyond the wire.
const (
	payments      = 24 * time.Hour
	leastPayments = time.Minute
	mostPayments  = 90 * 24 * time.Hour
)

// leastEvery bounds how often an audit repeats: it reads whole tables.
const leastEvery = time.Minute

// runAudit checks every promise on a live system, explains each difference, and repairs nothing.
func runAudit(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var asJSON bool
	var every, within time.Duration
	var set *flag.FlagSet
	r, err := begin(ctx, "audit", args, getenv, out, func(f *flag.FlagSet) {
		set = f
		f.BoolVar(&asJSON, "json", false, "write one line of JSON an audit")
		f.DurationVar(&every, "every", 0, "repeat after so long and serve metrics on --metrics-addr, until told to stop; at least 1m")
		f.DurationVar(&within, "payments", payments, "compare the payments by Stripe that were begun within so long with Stripe's books, if --stripe-key-file is given; 1m to 2160h")
	}, "postgres", "kafka")
	if err != nil {
		return err
	}
	defer r.store.Close()
	if set.NArg() > 0 {
		return fmt.Errorf("usher audit takes no argument %q; see usher audit -h", set.Arg(0))
	}
	if every != 0 && every < leastEvery {
		return fmt.Errorf("--every: %s is below %s", every, leastEvery)
	}
	if within < leastPayments || within > mostPayments {
		return fmt.Errorf("--payments: %s is not between %s and %s", within, leastPayments, mostPayments)
	}
	once := func(ctx context.Context) error {
		report, err := r.audit(ctx, within)
		if err != nil {
			return err
		}
		tellAudit(report)
		if asJSON {
			err = json.NewEncoder(out).Encode(report)
		} else {
			_, err = io.WriteString(out, auditText(report))
		}
		if broken, _ := report.Count(); err == nil && broken > 0 {
			err = errBroken
		}
		return err
	}
	if every == 0 {
		return once(ctx)
	}
	r.parts = append(r.parts, r.metrics, func(ctx context.Context) error {
		for ctx.Err() == nil {
			if err := once(ctx); err != nil && ctx.Err() == nil {
				auditFailures.Inc()
				r.log.Error("audit", "err", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(every):
			}
		}
		return nil
	})
	return r.run(ctx)
}

// audit asks every rule. Topics are not made: where nothing was ever sold there is no log.
func (r *role) audit(ctx context.Context, within time.Duration) (report audit.Report, err error) {
	log := stream.Open(r.brokers(), command.Topic)
	topicID, err := log.ID(ctx)
	if err != nil {
		return report, err
	}
	err = r.store.Audit(ctx, command.Topic, topicID, func(s *pgstore.Snapshot) (err error) {
		ledgers, err := r.ledgers(s, within)
		if err != nil {
			return err
		}
		report, err = bookings.Run(ctx, s, auditLog{log}, ledgers, within)
		return err
	})
	if err != nil {
		return report, err
	}
	line, err := pgledger.New(r.store.Pool()).Audit(ctx)
	report.Findings = append(report.Findings, line...)
	return report, err
}

// What an audit that repeats leaves for Prometheus.
var (
	auditFailures = metrics.NewCounter("usher_audit_failures_total")
	auditedAt     = metrics.NewGauge("usher_audit_timestamp_seconds", nil)
)

func tellAudit(r audit.Report) {
	for _, f := range r.Findings {
		metrics.GetOrCreateGauge(fmt.Sprintf(`usher_audit_differences{rule=%q,late="%t"}`, f.Name, f.Late), nil).Set(float64(f.Total))
	}
	auditedAt.Set(float64(r.At.Unix()))
}

// auditText is a report for people: what is broken and why first, then what holds.
func auditText(r audit.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The truth as it was at %s; %d payments and %d commands of the log were looked at.\n", r.At.UTC().Format("2006-01-02 15:04:05.000 MST"), r.Payments, r.Commands)
	for _, f := range r.Findings {
		if f.Total == 0 {
			continue
		}
		word := "BROKEN"
		if f.Late {
			word = "LATE"
		}
		fmt.Fprintf(&b, "\n%s  %s: %d\n  %s.\n", word, f.Says, f.Total, f.Why)
		for _, row := range f.Rows {
			fmt.Fprintf(&b, "  - %s\n", row)
		}
		if more := f.Total - len(f.Rows); more > 0 && len(f.Rows) == audit.Examples {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
	}
	b.WriteByte('\n')
	for _, f := range r.Findings {
		if f.Total == 0 {
			fmt.Fprintf(&b, "holds  %s\n", f.Says)
		}
	}
	return b.String()
}

// auditLog reads the log of commands as an audit wants it.
type auditLog struct{ *stream.Log }

// auditPatience is how long the log may take to hand over the next message.
const auditPatience = 30 * time.Second

var errRead = errors.New("everything was read")

// Commands yields the commands of a partition from an offset on to below another. What nobody can read is left out: rule set_aside tells of it.
func (l auditLog) Commands(ctx context.Context, partition int, from, to int64) iter.Seq2[bookings.Entry, error] {
	return func(yield func(bookings.Entry, error) bool) {
		if from >= to {
			return
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silent := time.AfterFunc(auditPatience, func() { cancel(fmt.Errorf("nothing came for %s", auditPatience)) })
		defer silent.Stop()
		err := l.Read(ctx, partition, from, func(r stream.Record) error {
			silent.Reset(auditPatience)
			if r.Offset >= to {
				return errRead
			}
			if c, err := command.Decode(r.Value); err == nil && !yield(bookings.Entry{Offset: r.Offset, Command: c.ID, Event: c.Event, IssuedAt: c.IssuedAt}, nil) || r.Offset == to-1 {
				return errRead
			}
			return nil
		})
		if !errors.Is(err, errRead) {
			if cause := context.Cause(ctx); cause != nil {
				err = fmt.Errorf("read partition %d from %d to %d: %w", partition, from, to, cause)
			}
			yield(bookings.Entry{}, err)
		}
	}
}
