package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/booking"
	"usher/internal/guard"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql. The files are compiled in, so a wrong name fails every test at once.
func query(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgstore: " + err.Error())
	}
	return string(b)
}

// Store is a pool of connections to the truth.
type Store struct {
	pool     *pgxpool.Pool
	switched map[guard.Guard]bool // guards that this package's own tests have switched off; nil elsewhere
}

// off reports whether a guard is switched off, for a negative control.
func (s *Store) off(g guard.Guard) bool { return guard.Off(g) || s.switched[g] }

// Open connects with at most maxConns connections. Every session has timeouts that keep a paused process from blocking
// the one that takes over its work: measured, a zombie without them held row locks for more than 8 s.
func Open(ctx context.Context, dsn string, maxConns int) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres address: %w", err)
	}
	config.MaxConns = int32(maxConns)
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = 3 * time.Second
	for name, value := range map[string]string{
		"application_name":                    "usher",
		"timezone":                            "UTC",
		"statement_timeout":                   "10s",
		"lock_timeout":                        "1s",
		"idle_in_transaction_session_timeout": "2s",
		"tcp_user_timeout":                    "3s",
		// A seat batch touches known ids: whatever the statistics say, their index is the way.
		"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"jit": "off",
	} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	return &Store{pool: pool}, nil
}

// Pool is the pool itself, for the stores of other packages that share it.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Waits is how often a connection was asked for, and how long that took in all.
func (s *Store) Waits() (asked int64, waited time.Duration) {
	stat := s.pool.Stat()
	return stat.AcquireCount(), stat.AcquireDuration()
}

// Close waits for connections in use and closes all.
func (s *Store) Close() { s.pool.Close() }

// Ping reports whether the truth answers.
func (s *Store) Ping(ctx context.Context) error { return away(s.pool.Ping(ctx)) }

// away marks an error of the connection, as opposed to one of the statement, as booking.ErrStoreUnavailable.
func away(err error) error {
	var said *pgconn.PgError
	if err == nil || errors.As(err, &said) && !unavailable(said.Code) {
		return err
	}
	return fmt.Errorf("%w: %w", booking.ErrStoreUnavailable, err)
}

// unavailable reports whether a SQLSTATE says that the server or the lock is away for now: classes 08, 53, 57, and 55P03.
func unavailable(code string) bool {
	return len(code) == 5 && (code[:2] == "08" || code[:2] == "53" || code[:2] == "57" || code == "55P03")
}
