// Package guard names the guards of the system that a negative control switches off. A proof is worth something
// only if it fails without the guard that it proves: `make test` builds a second binary with the tag "faults", runs the
// same proof with a guard off, and expects the damage. In an ordinary build nothing can be switched off: Off is
// constant false and the compiler removes the branches.
package guard

// Guard is one check that stands between a fault and a broken promise.
type Guard string

// The guards.
const (
	VersionCheck Guard = "version_check" // worker: a seat changes only from the version that was decided upon
	OffsetCheck  Guard = "offset_check"  // worker: the log's offset moves only from where this worker found it
	SeatFree     Guard = "seat_free"     // worker: a seat that a live booking owns is refused
	SeatUnique   Guard = "seat_unique"   // worker: the row that the unique index of live bookings protects
	Dedupe       Guard = "dedupe"        // worker: a command id has one effect
	HoldOwner    Guard = "hold_owner"    // hold: a seat that somebody holds is refused to others
	DurableHold  Guard = "durable_hold"  // desk: a hold is in Postgres before it is acknowledged
	RoomCapacity Guard = "room_capacity" // line: enter counts the active sessions
	LineRun      Guard = "line_run"      // line: what a Redis remembers counts only if that Redis has seen it all
	CommitFirst  Guard = "commit_first"  // worker: offset and effects are one commit, and a result is told after it
	FreshSeats   Guard = "fresh_seats"   // views: the seat map is asked at every check; without, what it said is good for three seconds
)
