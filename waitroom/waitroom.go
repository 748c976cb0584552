package waitroom

import (
	"errors"
	"time"

	"usher/internal/id"
)

// Method says how numbers become turns.
type Method string

// The methods. Draw and Reject are words of the contract that rooms cannot use yet: loading refuses them.
const (
	FIFO        Method = "fifo"
	Draw        Method = "draw"
	Passthrough Method = "passthrough" // everybody enters at once; the room only measures
	Reject      Method = "reject"
)

// State is where a room stands in its life.
type State string

// The states: scheduled → pre_queue → open ⇄ paused → draining → ended.
const (
	Scheduled State = "scheduled"
	PreQueue  State = "pre_queue"
	Open      State = "open"
	Paused    State = "paused"   // joins go on, nobody is called
	Draining  State = "draining" // nobody joins, those in line are served
	Ended     State = "ended"
)

// Rules is a room as its operator configures it.
type Rules struct {
	Room               string // [a-z0-9-]{1,64}
	Name               string
	Method             Method
	EventKeys          []string      // external ids of the events behind it
	Capacity           int           // sessions at any instant, 1 to 1,000,000
	CallsPerMinute     float64       // the pace at most
	MinCallsPerMinute  float64       // and at least, once a controller slows it down
	Session            time.Duration // how long a pass lasts
	Renewable          bool
	SessionCap         time.Duration // with all renewals
	Grace              time.Duration // a called visitor may come so late
	OpensAt            time.Time     // zero: open from the start
	Message            string        // from the operator to the fans
	PollFloor, PollCap time.Duration // 2 s to 60 s unless a test shortens them

	// Who was called while the grace was longer keeps what he was told: until then it stays as long as it was.
	FormerGrace      time.Duration
	FormerGraceUntil time.Time
}

// GraceAt is the grace that counts at a time.
func (r Rules) GraceAt(now time.Time) time.Duration {
	if now.Before(r.FormerGraceUntil) {
		return max(r.Grace, r.FormerGrace)
	}
	return r.Grace
}

// Room is a room with its state: what everybody may know.
type Room struct {
	Rules
	Events    []id.Event
	Former    map[id.Event]Former // of events that came from other rooms
	State     State
	Run       string // names one opening; a place of another run is refused
	Version   int64
	Active    bool // whether its events need a pass
	Waiting   int
	Watermark int64
	Pace      float64 // calls a minute, as measured; Rules has the limit
	UpdatedAt time.Time
}

// comeBy is until when somebody may come who was called then.
func (r Rules) comeBy(called time.Time) time.Time {
	by := called.Add(r.Grace)
	if longer := called.Add(r.FormerGrace); longer.After(by) { // as long as it counts
		if longer.After(r.FormerGraceUntil) {
			longer = r.FormerGraceUntil
		}
		if longer.After(by) {
			by = longer
		}
	}
	return by.UTC()
}

// Former is the room that an event came from, and when. Whoever was inside goes on.
type Former struct {
	Room  string
	Until time.Time
}

// Place is a visitor's ticket in the line; the visitor keeps it, sealed, and the server need not.
type Place struct {
	Room     string
	Run      string
	Visitor  id.Visitor
	Number   int64
	IssuedAt time.Time
}

// Standing says where a visitor stands.
type Standing string

// The standings of the contract.
const (
	StandPreQueue Standing = "pre_queue"
	StandWaiting  Standing = "waiting"
	StandCalled   Standing = "called"
	StandEntered  Standing = "entered"
	StandLeft     Standing = "left"
	StandExpired  Standing = "expired"
	StandSoldOut  Standing = "sold_out"
	StandEnded    Standing = "ended"
)

// Line is the answer to join, poll and enter.
type Line struct {
	Place     Place
	Sealed    string // the place as the visitor keeps it
	State     Standing
	Room      Room
	Position  int64 // 1 = next; 0 once called
	Estimate  *Estimate
	Slower    Slower // why he waits longer than he was told; "" while he does not
	PollAfter time.Duration
	// EnterBefore is when the right of a called visitor lapses; zero while waiting.
	EnterBefore   time.Time
	TicketsLeft   int  // -1: not known
	Odds          Odds // Percent 0: not known, or nothing is left, or his turn has come
	Pass          string
	PassExpiresAt time.Time
	Degraded      bool // the line is frozen: a store is away
	UpdatedAt     time.Time

	pollBase time.Duration // PollAfter without its jitter
}

// Estimate is the measured range of the wait that remains.
type Estimate struct{ Low, High time.Duration }

// Answers that are not faults. The edge turns each into a problem.
var (
	ErrRoomNotFound      = errors.New("no such room")
	ErrRoomClosed        = errors.New("the room takes nobody in its state")
	ErrPlaceInvalid      = errors.New("the place is not one of ours")
	ErrPlaceExpired      = errors.New("the place belongs to another run, or the room has ended")
	ErrPlaceUsed         = errors.New("the place was used already")
	ErrGraceOver         = errors.New("the turn has lapsed")
	ErrNotCalled         = errors.New("the turn has not come")
	ErrRoomFull          = errors.New("the room is full; the turn stays")
	ErrPollTooFast       = errors.New("asked again too soon")
	ErrLineUnavailable   = errors.New("the line cannot be changed now")
	ErrSessionOver       = errors.New("the session is over")
	ErrRenewalNotAllowed = errors.New("the session cannot be renewed")
	ErrVisitorInvalid    = errors.New("the visitor token is not one of ours")
)
