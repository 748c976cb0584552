package gateway

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/browser"
	"usher/internal/id"
	"usher/waitroom"
)

// lineOfTests is a line that a test moves, for the fan of one browser.
type lineOfTests struct {
	position atomic.Int64 // 0: called
	fails    atomic.Bool  // polls, as a gateway does that has just gone
	full     atomic.Bool
	polls    atomic.Int64
	message  atomic.Value // a string: the operator's; none: that of the fakes
	slower   atomic.Value // a waitroom.Slower
}

// browserEdge is an edge whose line asks for polls every second, so that a test need not wait.
func browserEdge(t *testing.T) (*edge, *lineOfTests) {
	t.Helper()
	e, l := newEdge(t), &lineOfTests{}
	l.position.Store(40)
	e.room.poll = func(shown int64) (waitroom.Line, error) {
		l.polls.Add(1)
		line := e.room.line(id.NewVisitor())
		line.PollAfter, line.UpdatedAt, line.Position = time.Second, time.Now(), l.position.Load()
		if m, ok := l.message.Load().(string); ok {
			line.Room.Message = m
		}
		line.Slower, _ = l.slower.Load().(waitroom.Slower)
		if shown > 0 {
			line.Position = min(line.Position, shown)
		}
		if l.position.Load() == 0 {
			line.State, line.Position, line.Estimate, line.EnterBefore = waitroom.StandCalled, 0, nil, time.Now().Add(time.Minute)
		}
		if l.fails.Load() {
			return line, waitroom.ErrLineUnavailable
		}
		return line, nil
	}
	e.room.enter = func() (waitroom.Line, error) {
		line := e.room.line(id.NewVisitor())
		if l.full.Load() {
			line.PollAfter = time.Second
			return line, waitroom.ErrRoomFull
		}
		line.State, line.Pass, line.PassExpiresAt = waitroom.StandEntered, passOf(roomName, id.NewVisitor()), time.Now().Add(time.Minute)
		return line, nil
	}
	return e, l
}

// inLine is a line in which a phone stands, with 39 people ahead.
func inLine(t *testing.T) (*lineOfTests, *browser.Tab) {
	t.Helper()
	e, line := browserEdge(t)
	b := browser.New(t, "http://"+e.public, browser.Phone)
	b.Open("/rooms/final")
	b.Click("button", "Join the line")
	b.See("39 people are ahead of you")
	return line, b
}

// The tabs of a browser share one place and one of them asks; a gateway that is away loses nothing; a room that is full for a moment is asked
// again; the other tab knows who is inside.
func TestInABrowserTheTabsShareOnePlace(t *testing.T) {
	t.Parallel()
	line, b := inLine(t)
	b.SeeTitle("40 · 3 min · The final")
	other := b.NewTab()
	other.Open("/rooms/final")
	line.position.Store(20)
	b.See("19 people are ahead of you")
	other.See("19 people are ahead of you")
	if n := browser.Evaluate[int](b, `performance.getEntriesByType("resource").filter((r) => r.name.includes("/place")).length`) *
		browser.Evaluate[int](other, `performance.getEntriesByType("resource").filter((r) => r.name.includes("/place")).length`); n > 6 {
		t.Errorf("both tabs ask: the product of their polls is %d", n)
	}
	b.Reload()
	b.See("19 people are ahead of you")
	if bar := browser.Evaluate[float64](b, `document.getElementById("bar").position`); bar != 0.5 {
		t.Errorf("after a reload the bar stands at %v, want 0.5", bar)
	}
	for _, tab := range []*browser.Tab{b, other} {
		tab.Forgive("503")
		tab.Forgive("409")
	}
	line.fails.Store(true)
	b.See("Connection lost. Your place is kept.")
	line.fails.Store(false)
	b.NotSee("Connection lost")
	line.position.Store(0)
	b.See("It is your turn")
	b.SeeTitle("▶ Your turn")
	other.See("It is your turn")
	line.full.Store(true)
	other.Click("button", "Enter")
	other.See("The room is full for a moment. Your turn is kept.")
	line.full.Store(false)
	b.See("You are in")
}

// Without a script the page refreshes itself, and a way to leave asks again.
func TestInABrowserTheRoomPageWorksWithoutAScript(t *testing.T) {
	t.Parallel()
	e, line := browserEdge(t)
	b := browser.New(t, "http://"+e.public, browser.Phone.NoScript())
	b.Open("/rooms/final")
	b.Click("button", "Join the line")
	b.See("39 people are ahead of you")
	line.position.Store(7)
	b.See("6 people are ahead of you")
	b.SeeTitle("7 · The final")
	line.position.Store(0)
	b.See("It is your turn")
}

// A wait that has grown is explained, with a script while the page is open, read out, and without one.
func TestInABrowserALongerWaitIsExplained(t *testing.T) {
	t.Parallel()
	const generic, lowered, full = "so the estimate has grown", "The organiser has slowed it down.", "The room is full, and those inside take their time."
	line, b := inLine(t)
	b.NotSee(generic)
	line.slower.Store(waitroom.SlowerPace)
	b.See(generic)
	b.See(lowered)
	if said := browser.Evaluate[string](b, `document.getElementById("say").textContent`); !strings.Contains(said, lowered) {
		t.Errorf("said: %q", said)
	}
	line.slower.Store(waitroom.SlowerFull)
	b.See(full)
	b.NotSee(lowered)
	b.Reload()
	b.See(full)
	line.slower.Store(waitroom.Slower(""))
	b.NotSee(full)
}

// What the operator writes while people wait is shown and said, and is nothing but text.
func TestInABrowserTheOperatorsMessageIsOnlyText(t *testing.T) {
	t.Parallel()
	line, b := inLine(t)
	b.See("Doors <open> soon")
	const hostile = `"><img src=x onerror="planted=1"></script><script>planted=1</script>{n}$& javascript:planted=1` + "\u202etxt"
	line.message.Store(hostile)
	b.See(hostile)
	if said := browser.Evaluate[string](b, `document.getElementById("say").textContent`); said != hostile {
		t.Errorf("said: %q", said)
	}
	b.Reload()
	b.See(hostile)
	if lively := browser.Evaluate[string](b, `String(self.planted ?? "") + [...document.querySelectorAll("img, [onerror]")].map((e) => e.outerHTML).join()`); lively != "" {
		t.Errorf("what was planted lives: %s", lively)
	}
	line.message.Store("")
	b.NotSee("javascript:")
}
