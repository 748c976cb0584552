package gateway

import (
	"encoding/json"
	"html/template"
	"time"
)

// roomSeed is what the page's script begins with. Its line has the members of the API's Line, so that one function shows both, without the
// credentials: no script can read those.
type roomSeed struct {
	Room  string     `json:"room"`
	Kind  string     `json:"kind"`
	Name  string     `json:"name"`
	Now   int64      `json:"now"` // the server's clock, milliseconds
	From  int64      `json:"from,omitempty"`
	Next  string     `json:"next"`            // where entering leads
	Until *time.Time `json:"until,omitempty"` // the end of the session, or the opening
	Wait  int        `json:"wait,omitempty"`
	Line  *seedLine  `json:"line,omitempty"`
}

type seedLine struct {
	Run         string        `json:"run"`
	State       string        `json:"state"`
	RoomState   string        `json:"room_state"`
	Number      int64         `json:"number"`
	Position    int64         `json:"position"`
	Estimate    *seedEstimate `json:"estimate"`
	Slower      string        `json:"slower"`
	PollAfter   int           `json:"poll_after_seconds"`
	EnterBefore *time.Time    `json:"enter_before"`
	UpdatedAt   time.Time     `json:"updated_at"`
	Message     string        `json:"message"`
	TicketsLeft *int          `json:"tickets_left"`
	Odds        *seedOdds     `json:"odds"`
	Frozen      bool          `json:"frozen"` // of the API's answer a header says so
}

type seedOdds struct {
	Percent int `json:"percent"`
}

type seedEstimate struct {
	Low  int `json:"low_seconds"`
	High int `json:"high_seconds"`
}

// Seed is the page's data block. encoding/json writes <, > and & as escapes: the text cannot end the block.
func (d *roomPage) Seed() (template.JS, error) {
	out := roomSeed{
		Room: d.Room.Room, Kind: d.Kind, Name: d.Name, Now: d.Now.UnixMilli(), From: d.From, Next: d.Inside(), Until: maybe(d.Until), Wait: d.Wait, Line: d.seedLine(),
	}
	if d.Kind == roomOut && d.Opens() {
		out.Until = maybe(d.OpensAt)
	}
	b, err := json.Marshal(out)
	return template.JS(b), err
}

func (d *roomPage) seedLine() *seedLine {
	l := d.Line
	if l == nil {
		return nil
	}
	out := &seedLine{
		Run: l.Place.Run, State: string(l.State), RoomState: string(l.Room.State), Number: l.Place.Number, Position: l.Position, PollAfter: seconds(l.PollAfter),
		EnterBefore: maybe(l.EnterBefore), UpdatedAt: clock(l.UpdatedAt), Message: l.Room.Message, Frozen: l.Degraded, Slower: string(l.Slower),
	}
	if e := l.Estimate; e != nil {
		out.Estimate = &seedEstimate{int(max(0, e.Low) / time.Second), seconds(max(0, e.High))}
	}
	if o := l.Odds; o.Percent > 0 {
		out.Odds = &seedOdds{o.Percent}
	}
	if l.TicketsLeft >= 0 {
		out.TicketsLeft = &l.TicketsLeft
	}
	return out
}
