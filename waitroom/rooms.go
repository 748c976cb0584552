package waitroom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"usher/internal/id"
)

// maxRooms bounds a rooms file.
const maxRooms = 1000

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

// ParseRooms reads a rooms file: {"rooms": [{…}]}. Every fault is reported, each with the room and the member that it is in.
func ParseRooms(b []byte) ([]Rules, error) {
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
	var errs []error
	names, events := map[string]bool{}, map[string]string{}
	for _, r := range file.Rooms {
		errs = append(errs, r.check())
		if names[r.Room] {
			errs = append(errs, fmt.Errorf("room %q stands twice", r.Room))
		}
		names[r.Room] = true
		for _, e := range r.Events {
			if other := events[e]; other != "" {
				errs = append(errs, fmt.Errorf("room %q: event %q is guarded by room %q already", r.Room, e, other))
			}
			events[e] = r.Room
		}
		out = append(out, r.rules())
	}
	return out, errors.Join(errs...)
}

func (r roomFile) check() error {
	var errs []error
	want := func(ok bool, member string, value any, want string) {
		if !ok {
			errs = append(errs, fmt.Errorf("room %q: %s is %v, want %s", r.Room, member, value, want))
		}
	}
	want(roomName.MatchString(r.Room), "room", r.Room, "a-z, 0-9 and -, at most 64 characters")
	want(r.Method == FIFO || r.Method == Passthrough, "method", r.Method, "fifo or passthrough (draw and reject are not offered yet)")
	want(len(r.Name) <= 200, "name", len(r.Name), "at most 200 bytes")
	want(len(r.Message) <= 1000, "message", len(r.Message), "at most 1000 bytes")
	want(len(r.Events) <= 100, "events", len(r.Events), "at most 100")
	want(r.Capacity >= 1 && r.Capacity <= 1_000_000, "capacity", r.Capacity, "1 to 1000000 sessions")
	want(r.CallsPerMinute > 0 && r.CallsPerMinute <= 1_000_000, "calls_per_minute", r.CallsPerMinute, "above 0, at most 1000000")
	want(r.MinCallsPerMinute >= 0 && r.MinCallsPerMinute <= r.CallsPerMinute, "min_calls_per_minute", r.MinCallsPerMinute, "0 to calls_per_minute")
	want(r.SessionSeconds >= 0 && r.SessionSeconds <= 86400, "session_seconds", r.SessionSeconds, "1 to 86400, or 0 for 900")
	want(r.SessionCapSeconds >= 0 && r.SessionCapSeconds <= 86400, "session_cap_seconds", r.SessionCapSeconds, "at most 86400")
	want(r.GraceSeconds >= 0 && r.GraceSeconds <= 86400, "grace_seconds", r.GraceSeconds, "1 to 86400, or 0 for 300")
	want(r.PollFloorSeconds >= 0 && r.PollFloorSeconds <= 60, "poll_floor_seconds", r.PollFloorSeconds, "above 0, at most 60, or 0 for 2")
	want(r.PollCapSeconds >= 0 && r.PollCapSeconds <= 600 && (r.PollCapSeconds == 0 || r.PollCapSeconds >= r.PollFloorSeconds), "poll_cap_seconds",
		r.PollCapSeconds, "at least poll_floor_seconds, at most 600, or 0 for 60")
	return errors.Join(errs...)
}

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
	out.SessionCap = seconds(float64(r.SessionCapSeconds), 2*out.Session)
	if out.Name == "" {
		out.Name = out.Room
	}
	if out.EventKeys == nil {
		out.EventKeys = []string{}
	}
	return out
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
