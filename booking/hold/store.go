package hold

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/redis/go-redis/v9"

	"usher/booking"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/redisdb"
)

// ErrLost says that the event's seat map is not there, or is one from before Redis was lost: Load it.
var ErrLost = errors.New("the event's seat map is not loaded")

// Config sets the rules of holding.
type Config struct {
	For   time.Duration // how long a first hold lasts; the others of its owner share its clock
	Cap   time.Duration // how long with all extensions
	Limit int           // seats that a visitor may hold and book of one event
	// Unpaid is how many holds of an event a visitor may let run out before he waits for Cool, counted from the end of the last; 0: any
	// number. One that he gives back does not count, and a seat that he has paid for makes all forgotten. What is counted is forgotten when the wait
	// is over for as long as two holds take, and with a loss of Redis.
	Unpaid int
	Cool   time.Duration
}

// Store is the seat maps of one Redis, or one cluster. Make it with New.
type Store struct {
	Config
	rdb *redisdb.Client
	off map[guard.Guard]bool // guards that this package's own tests have switched off; nil elsewhere

	hold, mine, release, extend, checkout, apply, repair, beginLoad, finishLoad, snapshot *script
}

// New returns a store.
func New(rdb *redisdb.Client, c Config) *Store {
	return &Store{
		Config: c, rdb: rdb,
		hold: newScript("hold"), mine: newScript("mine"), release: newScript("release"), extend: newScript("extend"),
		checkout: newScript("checkout"), apply: newScript("apply"), repair: newScript("repair"),
		beginLoad: newScript("begin_load"), finishLoad: newScript("finish_load"), snapshot: newScript("snapshot"),
	}
}

func metaKey(e id.Event) string    { return "usher:{" + e.String() + "}:meta" }
func mapKey(e id.Event) string     { return "usher:{" + e.String() + "}:map" }
func holdersKey(e id.Event) string { return "usher:{" + e.String() + "}:holders" }
func ownersKey(e id.Event) string  { return "usher:{" + e.String() + "}:owners" }
func lateKey(e id.Event) string    { return "usher:{" + e.String() + "}:late" }

func keys(e id.Event) []string {
	return []string{metaKey(e), mapKey(e), holdersKey(e), ownersKey(e), lateKey(e)}
}

//go:embed *.lua
var files embed.FS

// sameRun is the guard that replaced is; only this package's tests switch it off.
const sameRun guard.Guard = "same_run"

var lostTotal = metrics.NewCounter("usher_hold_lost_total")

// script is one file behind the prelude.
type script struct {
	*redis.Script
	seconds *metrics.Histogram
}

func newScript(name string) *script {
	return &script{
		Script:  redis.NewScript(file("prelude") + file(name)),
		seconds: metrics.GetOrCreateHistogram(`usher_hold_script_seconds{script="` + name + `"}`),
	}
}

// file returns name.lua. The files are compiled in, so a wrong name fails every test at once.
func file(name string) string {
	b, err := files.ReadFile(name + ".lua")
	if err != nil {
		panic("hold: " + err.Error())
	}
	return string(b)
}

// run calls a script and returns its answer behind the first word. LOST becomes ErrLost; a fault booking.ErrStoreUnavailable, and
// then nobody knows whether the script has run.
func (s *Store) run(ctx context.Context, sc *script, e id.Event, args ...any) (word string, rest []any, err error) {
	var answer []any
	var other bool
	err = s.rdb.On(ctx, metaKey(e), func(at *redisdb.Server) (err error) {
		run, began := at.RunID(), time.Now()
		answer, err = sc.Run(ctx, at, keys(e), append([]any{run}, args...)...).Slice()
		sc.seconds.UpdateDuration(began)
		other = s.replaced(at, run)
		return err
	})
	if err != nil {
		return "", nil, unavailable(err)
	}
	word, _ = answer[0].(string)
	if word == "LOST" || other {
		lostTotal.Inc()
		return word, nil, ErrLost
	}
	return word, answer[1:], nil
}

// replaced reports whether the call may have reached another Redis than its run id says: the connection was made while it waited.
// A Redis that came back with an old append-only file believes the old run id.
func (s *Store) replaced(at *redisdb.Server, run string) bool {
	return at.RunID() != run && !s.off[sameRun]
}

func unavailable(err error) error {
	return fmt.Errorf("%w: redis: %w", booking.ErrStoreUnavailable, err)
}
