package waitroom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"usher/internal/id"
)

const (
	maxRooms     = 1000     // all together
	maxRoomsFile = 16 << 20 // bytes: a thousand rooms with a hundred events each
	maxEvents    = 100      // of one room
)

// roomFile is one room as operators write it. Times are whole seconds.
type roomFile struct {
	Room              string    `json:"room"`
	Name              string    `json:"name"`
	Method            Method    `json:"method"`
	Events            []string  `json:"events"` // external ids
	Capacity          int       `json:"capacity"`
	CallsPerMinute    float64   `json:"calls_per_minute"`
	MinCallsPerMinute float64   `json:"min_calls_per_minute"`
	SessionSeconds    int       `json:"session_seconds"`
	Renewable         bool      `json:"renewable"`
	SessionCapSeconds int       `json:"session_cap_seconds"`
	GraceSeconds      int       `json:"grace_seconds"`
	PollFloorSeconds  float64   `json:"poll_floor_seconds"`
	PollCapSeconds    float64   `json:"poll_cap_seconds"`
	OpensAt           time.Time `json:"opens_at"`
	Message           string    `json:"message"`
}

var roomName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Fault is what is wrong with one member of a room.
type Fault struct {
	Room    string
	Member  string
	Message string // what is wanted, or what is in the way
}

func (f Fault) Error() string { return fmt.Sprintf("room %q: %s: %s", f.Room, f.Member, f.Message) }

// RulesError is everything that is wrong with the rules of rooms.
type RulesError struct{ Faults []Fault }

func (e *RulesError) Error() string {
	var lines []string
	for _, f := range e.Faults {
		lines = append(lines, f.Error())
	}
	return strings.Join(lines, "\n")
}

// ParseRooms reads a rooms file: {"rooms": [{…}]}. Every fault is reported, each with the room and the member that it is in: a RulesError, if
// it is one of those.
func ParseRooms(b []byte) ([]Rules, error) {
	if len(b) > maxRoomsFile {
		return nil, fmt.Errorf("rooms file: %d bytes, want at most %d", len(b), maxRoomsFile)
	}
	var file struct {
		Rooms []roomFile `json:"rooms"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("rooms file: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("rooms file: something follows the closing brace")
	}
	if len(file.Rooms) > maxRooms {
		return nil, fmt.Errorf("rooms file: %d rooms, want at most %d", len(file.Rooms), maxRooms)
	}
	var out []Rules
	var faults []Fault
	names, events := map[string]bool{}, map[string]string{}
	for _, r := range file.Rooms {
		rules := r.rules()
		faults = append(faults, rules.Check()...)
		if names[r.Room] {
			faults = append(faults, Fault{r.Room, "room", "stands twice"})
		}
		names[r.Room] = true
		for _, e := range r.Events {
			if other, taken := events[e]; taken {
				faults = append(faults, Fault{r.Room, "events", fmt.Sprintf("%q is guarded by room %q already", e, other)})
			}
			events[e] = r.Room
		}
		out = append(out, rules)
	}
	if len(faults) > 0 {
		return nil, &RulesError{faults}
	}
	return out, nil
}

// Check returns everything that is out of its bounds.
func (r Rules) Check() (faults []Fault) {
	want := func(ok bool, member string, value any, want string) {
		if !ok {
			faults = append(faults, Fault{r.Room, member, fmt.Sprintf("%v, want %s", value, want)})
		}
	}
	between := func(d, low, high time.Duration) bool { return d >= low && d <= high }
	const day = 24 * time.Hour
	want(roomName.MatchString(r.Room), "room", r.Room, "a-z, 0-9 and -, at most 64 characters")
	want(r.Method == FIFO || r.Method == Passthrough, "method", r.Method, "fifo or passthrough (draw and reject are not offered yet)")
	want(len(r.Name) <= 200, "name", len(r.Name), "at most 200 bytes")
	want(len(r.Message) <= 1000, "message", len(r.Message), "at most 1000 bytes")
	want(len(r.EventKeys) <= maxEvents, "events", len(r.EventKeys), "at most 100")
	want(r.Capacity >= 1 && r.Capacity <= 1_000_000, "capacity", r.Capacity, "1 to 1000000 sessions")
	want(r.CallsPerMinute > 0 && r.CallsPerMinute <= 1_000_000, "calls_per_minute", r.CallsPerMinute, "above 0, at most 1000000")
	want(r.MinCallsPerMinute >= 0 && r.MinCallsPerMinute <= r.CallsPerMinute, "min_calls_per_minute", r.MinCallsPerMinute, "0 to calls_per_minute")
	want(between(r.Session, time.Second, day), "session_seconds", r.Session.Seconds(), "1 to 86400, or 0 for 900")
	want(between(r.SessionCap, time.Second, day), "session_cap_seconds", r.SessionCap.Seconds(), "1 to 86400, or 0 for twice session_seconds")
	want(between(r.Grace, time.Second, day), "grace_seconds", r.Grace.Seconds(), "1 to 86400, or 0 for 300")
	want(between(r.PollFloor, 1, time.Minute), "poll_floor_seconds", r.PollFloor.Seconds(), "above 0, at most 60, or 0 for 2")
	want(between(r.PollCap, r.PollFloor, 10*time.Minute), "poll_cap_seconds", r.PollCap.Seconds(), "at least poll_floor_seconds, at most 600, or 0 for 60")
	return faults
}

// DefaultRules are those of a room of which only the name is known. They lack what has no default: method, capacity and calls_per_minute.
func DefaultRules(room string) Rules { return roomFile{Room: room}.rules() }

func (r roomFile) rules() Rules {
	seconds := func(n float64, otherwise time.Duration) time.Duration {
		if n == 0 {
			return otherwise
		}
		return time.Duration(n * float64(time.Second))
	}
	out := Rules{
		Room: r.Room, Name: r.Name, Method: r.Method, EventKeys: r.Events, Capacity: r.Capacity, CallsPerMinute: r.CallsPerMinute,
		MinCallsPerMinute: r.MinCallsPerMinute, Renewable: r.Renewable, OpensAt: r.OpensAt.UTC(), Message: r.Message,
		Session: seconds(float64(r.SessionSeconds), 15*time.Minute), Grace: seconds(float64(r.GraceSeconds), 5*time.Minute),
		PollFloor: seconds(r.PollFloorSeconds, 2*time.Second), PollCap: seconds(r.PollCapSeconds, time.Minute),
	}
	out.SessionCap = seconds(float64(r.SessionCapSeconds), DefaultCap(out.Session))
	if out.Name == "" {
		out.Name = out.Room
	}
	if out.EventKeys == nil {
		out.EventKeys = []string{}
	}
	return out
}

// DefaultCap is how long sessions last with all renewals where no rule says that.
func DefaultCap(session time.Duration) time.Duration { return min(2*session, 24*time.Hour) }

// Record is the room as the audit log keeps it: how it stands, and its rules as operators write them.
func (r Room) Record() ([]byte, error) {
	return json.Marshal(struct {
		State State  `json:"state"`
		Run   string `json:"run"`
		roomFile
	}{r.State, r.Run, roomFile{
		Room: r.Room, Name: r.Name, Method: r.Method, Events: slices.Sorted(slices.Values(r.EventKeys)), Capacity: r.Capacity, CallsPerMinute: r.CallsPerMinute,
		MinCallsPerMinute: r.MinCallsPerMinute, SessionSeconds: int(r.Session.Seconds()), Renewable: r.Renewable, SessionCapSeconds: int(r.SessionCap.Seconds()),
		GraceSeconds: int(r.Grace.Seconds()), PollFloorSeconds: r.PollFloor.Seconds(), PollCapSeconds: r.PollCap.Seconds(), OpensAt: r.OpensAt, Message: r.Message,
	}})
}

// FirstState is the state of a room that is loaded for the first time.
func FirstState(r Rules, now time.Time) State {
	if r.OpensAt.After(now) {
		return Scheduled
	}
	return Open
}

// NewRun names a new opening of a room.
func NewRun() string { return id.NewKey().String()[:10] }

// transitions says which state an operator's order leads to, from which states.
var transitions = map[string]struct {
	from []State
	to   State
}{
	"open":   {[]State{Scheduled, PreQueue, Draining, Ended}, Open},
	"pause":  {[]State{Open, Draining}, Paused},
	"resume": {[]State{Paused}, Open},
	"drain":  {[]State{Open, Paused}, Draining},
	"end":    {[]State{Scheduled, PreQueue, Open, Paused, Draining}, Ended},
}
