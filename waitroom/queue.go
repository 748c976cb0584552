package waitroom

import (
	"context"
	"errors"
	"time"

	"usher/internal/id"
)

// RunKey names one opening of one room: the line that a call is about.
type RunKey struct{ Room, Run string }

// Queue is a room's line and its sessions. Whatever implements it must hold: numbers are given out in order of arrival, never
// twice; a visitor in the line gets the same number back, until his turn has lapsed; numbers are called in order; sessions never exceed
// the capacity; a number enters once. Every method is one atomic step. A line that has lost its memory answers ErrLost until Restore.
// A line that nobody calls may lose it, too,
// after days. linetest holds lines to it.
type Queue interface {
	// Join gives the visitor a number, or the one that he has; shown is the number of a place that he shows, or -1, and counts
	// when the line has lost its memory since. ErrBlockSpent: Grow first.
	Join(ctx context.Context, k RunKey, v id.Visitor, shown int64) (Joined, error)
	// Grow allows numbers below blockEnd to be given out. They were reserved for that incarnation: a line of another stays as it is.
	Grow(ctx context.Context, k RunKey, incarnation, blockEnd int64) error
	// Call moves the watermark as far as rate, capacity and ceiling allow. The line goes by its grace until the next call.
	Call(ctx context.Context, k RunKey, r CallRules) (Watch, error)
	// Share tells the other gateways something, and returns what they and this one have told since, as far as it is not older than NewsKept. What is told is
	// only read, and may be told twice.
	Share(ctx context.Context, k RunKey, t Telling) (Shared, error)
	// Watch reads where the line stands.
	Watch(ctx context.Context, k RunKey) (Watch, error)
	// Lapses reads whose turns have lapsed: of the numbers that were called, those that Enter answers ErrGraceOver.
	Lapses(ctx context.Context, k RunKey) (Lapses, error)
	// Enter turns a called visitor into a session. ErrNotCalled, ErrRoomFull (his grace begins anew), ErrPlaceUsed, ErrGraceOver.
	Enter(ctx context.Context, k RunKey, v id.Visitor, number int64, r EnterRules) (Session, error)
	// Leave ends the session with the jti; without one, the waiting or the session of the number, which is the visitor's. It returns the session
	// that is over, also when it repeats and that is not Noted yet: jti, number and when he entered; without a jti when there was none.
	Leave(ctx context.Context, k RunKey, v id.Visitor, number int64, jti string) (over Session, err error)
	// Ends returns sessions that Leave has ended and that were not Noted yet, as Leave does, a thousand at most.
	Ends(ctx context.Context, k RunKey) ([]Admission, error)
	// Noted says that the ledger knows of a session's end. It ends in the line, too, if that was restored meanwhile and believes that it lives.
	// The number is -1 when it is not known. ErrLost also when the line is older than a.Incarnation: what restores it may have been read before the end was
	// recorded.
	Noted(ctx context.Context, k RunKey, a Admission) error
	// Extend lets a session last until the given time, never shorter than it does, and returns the line's incarnation. ErrSessionOver.
	Extend(ctx context.Context, k RunKey, v id.Visitor, jti string, until time.Time) (incarnation int64, err error)
	// Active reports whether the session lives. ErrSessionOver.
	Active(ctx context.Context, k RunKey, v id.Visitor, jti string) error
	// Writable reports why the line's store takes no writes, if it does not. It changes nothing that lasts.
	Writable(ctx context.Context, k RunKey) error
	// Restore gives a line that has lost its memory, or never had one, what the ledger knows, less the Ends that it has kept; also a line of an older incarnation, which somebody
	// restored who came too late. A line of the same incarnation or a newer one stays as it is.
	Restore(ctx context.Context, k RunKey, m Memory) error
}

// Answers of a line that only the keeper sees.
var (
	ErrLost       = errors.New("the line has lost its memory")
	ErrBlockSpent = errors.New("the block of numbers is spent")
)

// Joined is what a join returns.
type Joined struct {
	Number int64
	First  bool
	JTI    string // of the session, if the visitor has entered already
}

// CallRules is what Call may do now.
type CallRules struct {
	PerSecond float64       // of the token bucket, as the caller asks for; the line goes by the slowest pace that anybody has asked for lately
	PaceAge   time.Duration // how long ago that may be
	Most      float64       // what PerSecond is a share of: what was asked for of another is over
	Burst     float64       // of the token bucket: a fraction of a second's worth, at least 1
	Capacity  int           // sessions
	Expect    time.Duration // how long a called visitor who has not entered counts as on his way
	Grace     time.Duration // how long he may come
	Ceiling   int64         // the watermark stops there
	Closed    bool          // nobody is called
	// Stock is what the caller knows to be for sale; the line goes by the latest that any caller has told within a minute. While that is known, sessions
	// and those who are expected are no more than PerTicket for each ticket left, at least one while there is a ticket, and nobody is called at zero.
	Stock     Stock
	PerTicket float64 // people
	// Gone is who costs neither token nor slot, and is not expected; he is called all the same.
	Gone Gone
}

// Gone is who has gone away, of the numbers from From on.
type Gone struct {
	Incarnation int64 // of the line; in another nobody is known to be gone
	From        int64
	Bits        []byte // the highest bit of the first byte is From; who lies behind the last is not known to be gone
}

// Has reports whether a number has gone away.
func (g Gone) Has(number int64) bool { return bit(g.Bits, number-g.From) }

// bit is a bit of a bitmap whose first is the highest of the first byte.
func bit(bits []byte, at int64) bool {
	return at >= 0 && at/8 < int64(len(bits)) && bits[at/8]&(0x80>>(at%8)) != 0
}

// Telling is what a gateway tells the others.
type Telling struct {
	Gateway     string // its name
	Incarnation int64  // of the line that the news are of: another takes neither news nor name
	After       int64  // Shared.Told when it heard the others last
	News        []byte // empty: it only hears
	Bye         bool   // it tells nothing more
}

// Shared is what the gateways have told each other.
type Shared struct {
	Incarnation int64
	Told        int64    // how often something was told in this incarnation
	News        [][]byte // the last of it
	Silent      []Silent // those who should have told something, the longest silent first; also from before the line was restored
}

// Silent is a gateway that has told nothing for longer than GatewaySilent, and has not said goodbye.
type Silent struct {
	Gateway string
	For     time.Duration // at most GatewayKept
}

const (
	NewsKept      = 15 * time.Second // how long news are kept for those who have not heard them yet
	GatewaySilent = 5 * time.Second
	GatewayKept   = lastsMost // two horizons of any room: then a gateway is forgotten
	GatewaysMost  = 1000      // are remembered
)

// EnterRules is how Enter lets in.
type EnterRules struct {
	JTI      string // of the session to be
	Capacity int
	Session  time.Duration
	Free     bool // passthrough: neither turn nor capacity count
}

// Session is a visitor inside.
type Session struct {
	JTI     string
	Number  int64
	Entered time.Time
	Expires time.Time // of the pass; the slot outlives it by SlotSlack
	Fresh   bool      // false: the visitor had entered already

	Incarnation int64 // of the line that he has entered
}

// SlotSlack is how much longer than its pass a slot lasts: more than the clock skew that verifiers allow.
const SlotSlack = 5 * time.Second

// Linger is how long a slot stays taken after its visitor has left: until every gateway has heard of it.
const Linger = 2 * time.Second

// Watch is where a line stands.
type Watch struct {
	Watermark int64 // every number below it has been called
	Next      int64 // the next number to be given out
	BlockEnd  int64
	Waiting   int // present and not called; after a loss, unknown means present
	Called    int // called, on their way
	Active    int // sessions
	Entered   int64
	Left      int64
	Now       time.Time // of the line's clock
	Limit     int64     // numbers below it are of before the last loss
	Holes     []Hole    // in order, below Limit
	Ends      int       // sessions that are over and not Noted yet
	Stock     Stock     // the latest that a Call has told
	Served    int64     // of those called lately, how many are through: their sessions are over, or their turns
	Bought    int64     // tickets that were sold meanwhile
	Pace      float64   // calls a second that the bucket fills by; 0 before the first Call

	// While these three are the same, so are the Lapses.
	Incarnation int64
	Lapsed      int64 // counts turns that have lapsed one by one
	Over        int   // ranges of which all turns have lapsed that nobody has taken: what had been called before a loss, and holes that were jumped
}

// Lapses are the numbers whose turns have lapsed, in one incarnation of a line.
type Lapses struct {
	Incarnation int64
	Bits        []byte // the highest bit of the first byte is number 0; behind the last number there is nothing
}

// Has reports whether a number's turn has lapsed.
func (l Lapses) Has(number int64) bool {
	return bit(l.Bits, number)
}

// Hole is numbers that nobody was seen to get before the line lost its memory: from From to below Past.
type Hole struct{ From, Past int64 }

// Hollow returns how many numbers from from to below past lie in holes.
func (w Watch) Hollow(from, past int64) (n int64) {
	for _, h := range w.Holes {
		n += max(0, min(past, h.Past)-max(from, h.From))
	}
	return n
}

// Memory is what survives the loss of a line.
type Memory struct {
	Incarnation int64
	Watermark   int64
	Next        int64 // the first number of the fresh block
	BlockEnd    int64
	Limit       int64   // numbers below it may have been given out before the loss
	Holes       []Hole  // and nobody was seen to get these: in order, below Limit; of all others unknown means present
	Used        []int64 // have entered
	Sessions    []Admission
}

// Admission is a session as the ledger keeps it.
type Admission struct {
	Visitor id.Visitor
	Session
}

// Ledger is what must outlive the line: in Postgres.
type Ledger interface {
	// Rooms reads all rooms with their state.
	Rooms(ctx context.Context) ([]Room, error)
	// SetState moves a room from one state to another, as its schedule wants it. ErrInvalidTransition: it was not in from.
	SetState(ctx context.Context, room string, from, to State) error
	// Reserve makes sure that numbers below want may be given out by that incarnation of the line and returns the end of the block. ErrLost: it is
	// over, and what follows its block is another's.
	Reserve(ctx context.Context, k RunKey, incarnation, want int64) (blockEnd int64, err error)
	// Note remembers how far that incarnation of the line has given out numbers, and raises the ceiling of the watermark. ErrLost: it is over.
	Note(ctx context.Context, k RunKey, incarnation, issued, ceiling int64) error
	// Recover begins a new incarnation with a fresh block of the given size, and says what is to be restored. From then on nothing of an
	// older incarnation is recorded. issued is how far the caller has seen numbers given out; what lies between that and the fresh block is a
	// hole for good. ErrRecovering: somebody else has just done it, and may still be restoring the line.
	Recover(ctx context.Context, k RunKey, issued, block int64) (Memory, error)
	// Admit records an admission; it is repeatable. ErrPlaceUsed: the number has entered as somebody else, or is Done. ErrLost: the line that he has entered
	// has lost its memory since, and somebody has recovered it.
	Admit(ctx context.Context, k RunKey, a Admission) error
	// Done records the end of a session, also of one whose admission comes later. Of one whose number is not known, -1, it is the jti that counts. It returns
	// the newest incarnation of the line; whoever recovers it after that is told of the end.
	Done(ctx context.Context, k RunKey, a Admission) (incarnation int64, err error)
}

// ErrRecovering says that somebody else is about to restore the line.
var ErrRecovering = errors.New("the line is being restored")

// ErrInvalidTransition says that a room cannot go from its state to the asked one.
var ErrInvalidTransition = errors.New("the room cannot do that in its state")
