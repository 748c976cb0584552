// Package pgstock knows what is left to sell, whatever finds the events: how many seats of a hit are free, some of them, and which events are
// booked out. Postgres says so, for it is the truth.
package pgstock

import (
	"embed"

	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql. The files are compiled in, so a wrong name fails every test at once.
func query(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgstock: " + err.Error())
	}
	return string(b)
}

// Stock reads what is left, on a pool.
type Stock struct{ pool *pgxpool.Pool }

// New returns a stock.
func New(pool *pgxpool.Pool) *Stock { return &Stock{pool} }
