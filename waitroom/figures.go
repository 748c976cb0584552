package waitroom

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// tally counts what this gateway has done for one run of a room.
type tally struct {
	joins, closed, unavailable, full, entered, fast, restored, unnoted atomic.Uint64
}

// figures are the metrics of a room, by name. Those of the line are the same on every gateway; those of a tally are to be summed.
var figures = []struct {
	name string
	of   func(f *figure) float64
}{
	{"usher_room_waiting_visitors", func(f *figure) float64 { return float64(f.Waiting) }},
	{"usher_room_called_visitors", func(f *figure) float64 { return float64(f.Called) }},
	{"usher_room_active_sessions", func(f *figure) float64 { return float64(f.Active) }},
	{"usher_room_capacity_sessions", func(f *figure) float64 { return float64(f.room.Capacity) }},
	{"usher_room_entered_total", func(f *figure) float64 { return float64(f.Entered) }},
	{"usher_room_left_total", func(f *figure) float64 { return float64(f.Left) }},
	{"usher_room_issued_numbers", func(f *figure) float64 { return float64(f.Next) }},
	{"usher_room_watermark_number", func(f *figure) float64 { return float64(f.Watermark) }},
	{"usher_room_pace_calls_per_minute", func(f *figure) float64 { return f.CallsPerMinute }},
	{"usher_room_pace_limit_calls_per_minute", func(f *figure) float64 { return f.room.CallsPerMinute }},
	{"usher_room_pace_floor_calls_per_minute", func(f *figure) float64 { return f.room.MinCallsPerMinute }},
	{"usher_room_pace_asked_calls_per_minute", func(f *figure) float64 { return f.PacePerMinute }},
	{"usher_room_bought_tickets", func(f *figure) float64 { return bought(f.Served, f.Stats.Bought) }},
	{"usher_room_no_show_ratio", func(f *figure) float64 { return f.NoShowShare }},
	{"usher_room_lapsed_turns", func(f *figure) float64 { return float64(f.Lapsed) }},
	{"usher_room_losses_total", func(f *figure) float64 { return float64(max(0, f.Incarnation-1)) }},
	{"usher_room_stock_tickets", func(f *figure) float64 { return float64(f.stock) }},
	{"usher_room_calling_bool", func(f *figure) float64 { return truth(f.calling) }},
	{"usher_room_rules_version", func(f *figure) float64 { return float64(f.room.Version) }},
	{"usher_room_line_age_seconds", func(f *figure) float64 { return f.lineAge.Seconds() }},
	{"usher_room_ledger_lag_seconds", func(f *figure) float64 { return f.ledgerLag.Seconds() }},
	{"usher_room_joins_total", func(f *figure) float64 { return float64(f.tally.joins.Load()) }},
	{`usher_room_refusals_total{why="closed"}`, func(f *figure) float64 { return float64(f.tally.closed.Load()) }},
	{`usher_room_refusals_total{why="full"}`, func(f *figure) float64 { return float64(f.tally.full.Load()) }},
	{`usher_room_refusals_total{why="unavailable"}`, func(f *figure) float64 { return float64(f.tally.unavailable.Load()) }},
	{"usher_room_enters_total", func(f *figure) float64 { return float64(f.tally.entered.Load()) }},
	{"usher_room_polls_too_fast_total", func(f *figure) float64 { return float64(f.tally.fast.Load()) }},
	{"usher_room_restores_total", func(f *figure) float64 { return float64(f.tally.restored.Load()) }},
	{"usher_room_ledger_faults_total", func(f *figure) float64 { return float64(f.tally.unnoted.Load()) }},
}

// figure is what is known of one room at one moment.
type figure struct {
	Stats
	room               *Room
	tally              *tally
	stock              int // -1: not known
	calling            bool
	lineAge, ledgerLag time.Duration
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// WriteMetrics writes the figures of all rooms, a thousand at most, as Prometheus reads them. It asks no store.
func (k *Keeper) WriteMetrics(w io.Writer) error {
	now := k.now()
	var all []*figure
	for _, r := range k.Rooms() {
		l := (*k.rooms.Load())[r.Room]
		stats, err := k.Stats(r.Room)
		if l == nil || err != nil { // it has gone meanwhile
			continue
		}
		f := &figure{Stats: stats, room: &r, tally: &l.tally, stock: -1, ledgerLag: now.Sub(l.noted.Load().at)}
		v := l.view.Load()
		if v != nil {
			f.lineAge = now.Sub(v.heard)
		}
		if s := k.latest(&r, v); s.Known {
			f.stock = s.Left
		}
		f.calling = (r.State == Open || r.State == Draining) && f.stock != 0
		all = append(all, f)
	}
	var err error
	for _, fig := range figures {
		name, labels := fig.name, ""
		if n := len(name) - 1; name[n] == '}' {
			for i := range name {
				if name[i] == '{' {
					name, labels = name[:i], ","+name[i+1:n]
					break
				}
			}
		}
		for _, f := range all {
			if _, e := fmt.Fprintf(w, "%s{room=%q%s} %v\n", name, f.room.Room, labels, fig.of(f)); e != nil {
				err = e
			}
		}
	}
	return err
}

// count counts why somebody could not join or enter.
func (t *tally) count(err error) {
	switch {
	case errors.Is(err, ErrRoomFull):
		t.full.Add(1)
	case errors.Is(err, ErrLineUnavailable):
		t.unavailable.Add(1)
	}
}
