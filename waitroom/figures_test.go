package waitroom_test

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"usher/waitroom"
)

// figures are the metrics of the house, by name and labels.
func (h *house) figures() map[string]float64 {
	h.t.Helper()
	var b strings.Builder
	if err := h.WriteMetrics(&b); err != nil {
		h.t.Error(err)
	}
	out := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(b.String())); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseFloat(value, 64)
		if _, twice := out[name]; err != nil || twice {
			h.t.Errorf("a line that Prometheus does not read: %q", lines.Text())
		}
		out[name] = n
	}
	return out
}

func TestTheFiguresOfARoomSayWhatHasHappened(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity = 3
	inHouse(t, room, func(h *house) {
		for n := range 8 {
			h.join(n)
		}
		h.join(0) // has joined
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for n := range 3 {
			h.wants(n, nil)
		}
		if err := h.Leave(h.t.Context(), h.places[0]); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		h.wants(3, nil)
		if _, err := h.Poll(h.places[7], 0); err != nil {
			t.Error(err)
		}
		if _, err := h.Poll(h.places[7], 0); !errors.Is(err, waitroom.ErrPollTooFast) {
			t.Errorf("a second poll at once: %v", err)
		}
		if err := h.order("pause"); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		got := h.figures()
		for name, want := range map[string]float64{
			"waiting_visitors": 4, "active_sessions": 3, "capacity_sessions": 3, "pace_limit_calls_per_minute": 600, "watermark_number": 4,
			"entered_total": 4, "joins_total": 8, "enters_total": 4, "polls_too_fast_total": 1, "losses_total": 0, "restores_total": 1, "stock_tickets": -1,
			"calling_bool": 0, "ledger_faults_total": 0,
		} {
			if got := got[`usher_room_`+name+`{room="final"}`]; got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if lag := got[`usher_room_ledger_lag_seconds{room="final"}`]; lag > 2 {
			t.Errorf("the ledger is %v s behind", lag)
		}
		h.line.Lose(finalRun)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		got = h.figures()
		if lost, back := got[`usher_room_losses_total{room="final"}`], got[`usher_room_restores_total{room="final"}`]; lost != 1 || back != 2 {
			t.Errorf("lost %v times, given back %v times", lost, back)
		}
		h.ledger.set(errors.New("away"), false)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		got = h.figures()
		if lag, faults := got[`usher_room_ledger_lag_seconds{room="final"}`], got[`usher_room_ledger_faults_total{room="final"}`]; lag < 15 || faults < 5 {
			t.Errorf("with the ledger away the lag is %v s, with %v faults", lag, faults)
		}
	})
}

func TestEveryFigureIsDescribed(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/rooms.md")
	if err != nil {
		t.Fatal(err)
	}
	inHouse(t, final(), func(h *house) {
		figures := h.figures()
		if len(figures) < 20 {
			t.Errorf("%d figures", len(figures))
		}
		for name := range figures {
			if name, _, _ = strings.Cut(name, "{"); !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("docs/rooms.md says nothing about %s", name)
			}
		}
	})
}
