// Package pgcatalog keeps venues, layouts, performers and events in Postgres: what views read and what the import writes.
package pgcatalog

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // venues have zones, a small container image has none

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/booking"
	"usher/catalog"
	"usher/catalog/layout"
	"usher/internal/id"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql. The files are compiled in, so a wrong name fails every test at once.
func query(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgcatalog: " + err.Error())
	}
	return string(b)
}

// Store is the catalog's own pool of connections: however slow reading becomes, the booking core's connections stay free.
type Store struct {
	pool *pgxpool.Pool
	seen *seen
}

// Open connects with at most conns connections.
func Open(ctx context.Context, dsn string, conns int) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres address: %w", err)
	}
	config.MaxConns = int32(conns)
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = 3 * time.Second
	for name, value := range map[string]string{
		"application_name":  "usher-catalog",
		"timezone":          "UTC",
		"statement_timeout": "60s", // of the import; readers come with a deadline of their own
		"jit":               "off",
		// A search leaves most of its restrictions open: a plan that fits every query fits none.
		"plan_cache_mode":                 "force_custom_plan",
		"max_parallel_workers_per_gather": "0", // many small questions at once: a worker of its own costs each more than it saves
	} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	return &Store{pool: pool, seen: newSeen()}, nil
}

// ErrNotMigrated says that the database has no schema, and what to do.
var ErrNotMigrated = errors.New("the database has not Usher's tables; make them with: usher migrate")

// Migrated reports a database without the schema: ErrNotMigrated.
func (s *Store) Migrated(ctx context.Context) error {
	var there bool
	if err := s.pool.QueryRow(ctx, query("migrated")).Scan(&there); err != nil {
		return fmt.Errorf("look for the schema: %w", away(err))
	}
	if !there {
		return ErrNotMigrated
	}
	return nil
}

// Pool is the pool itself, for search, which reads the same tables.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Close waits for connections in use and closes all.
func (s *Store) Close() { s.pool.Close() }

// Facts reads what an event is. booking.ErrEventNotFound.
func (s *Store) Facts(ctx context.Context, e id.Event) (*catalog.Facts, error) {
	f := &catalog.Facts{Plan: &layout.Plan{Event: e}}
	var prices, spec []byte
	var image *string
	var venue int64
	var zone string
	var performers []int64
	var names []string
	err := s.pool.QueryRow(ctx, query("facts"), int64(e)).Scan(&f.Name, &f.Details, &image, &f.Performer, &f.Start, &f.End, &f.Currency, &prices,
		&spec, &f.OnSale, &f.Version, &venue, &f.Venue.Name, &f.Venue.Location, &f.Venue.City, &f.Venue.Country, &f.Venue.Latitude,
		&f.Venue.Longitude, &zone, &performers, &names)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e, notFound(err))
	}
	f.Venue.ID = id.Venue(venue)
	if image != nil {
		f.ImageURL = *image
	}
	for i, p := range performers {
		f.Performers = append(f.Performers, catalog.Performer{ID: id.Performer(p), Name: names[i]})
	}
	if f.Venue.Zone, err = time.LoadLocation(zone); err != nil {
		return nil, fmt.Errorf("event %s: %w", e, err)
	}
	if f.Layout, err = layout.Parse(spec); err != nil {
		return nil, fmt.Errorf("event %s: %w", e, err)
	}
	if err := json.Unmarshal(prices, &f.Prices); err != nil {
		return nil, fmt.Errorf("prices of %s: %w", e, err)
	}
	return f, f.Check()
}

// FactsVersion is the version of an event's facts. booking.ErrEventNotFound.
func (s *Store) FactsVersion(ctx context.Context, e id.Event) (version int64, err error) {
	if err := s.pool.QueryRow(ctx, query("facts_version"), int64(e)).Scan(&version); err != nil {
		return 0, fmt.Errorf("event %s: %w", e, notFound(err))
	}
	return version, nil
}

// Seats reads how an event's seats stand, from its tickets. The Version is not set.
func (s *Store) Seats(ctx context.Context, e id.Event) (seats catalog.Seats, err error) {
	from, to := e.Tickets()
	rows, err := s.pool.Query(ctx, query("seats"), int64(from), int64(to))
	if err != nil {
		return seats, fmt.Errorf("seats of %s: %w", e, away(err))
	}
	seats.Holds = map[int]time.Time{}
	var status string
	var blocked, booked bool
	var until *time.Time
	_, err = pgx.ForEachRow(rows, []any{&status, &blocked, &booked, &until, &seats.Now}, func() error {
		if until != nil {
			seats.Holds[len(seats.States)] = *until
		}
		seats.States = append(seats.States, booking.StateOf(booking.TicketStatus(status), booked, blocked))
		return nil
	})
	if err != nil {
		return seats, fmt.Errorf("seats of %s: %w", e, away(err))
	}
	return seats, nil
}

func notFound(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return booking.ErrEventNotFound
	}
	return away(err)
}

// away marks an error of the connection, as opposed to one of the statement, as booking.ErrStoreUnavailable.
func away(err error) error {
	var said *pgconn.PgError
	if err == nil || errors.As(err, &said) && said.Code[:2] != "08" && said.Code[:2] != "53" && said.Code[:2] != "57" {
		return err
	}
	return fmt.Errorf("%w: %w", booking.ErrStoreUnavailable, err)
}
