package searches

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/booking/pgstore"
	"usher/catalog/change"
	"usher/catalog/generate"
	"usher/catalog/importer"
	"usher/catalog/pgcatalog"
	"usher/internal/stream"
	"usher/internal/testenv"
	"usher/search"
	"usher/search/elastic"
	"usher/search/indexer"
	"usher/search/pgsource"
	"usher/search/pgstock"
	"usher/search/pgtext"
)

var (
	events = flag.Int("events", 20_000, "how many generated events are searched in: a year of 365 a venue")
	dsn    = flag.String("dsn", "", "a database that usher generate has filled, to spare making one")
	prefix = flag.String("index-prefix", "", "with -dsn, the index that usher reindex has made of it, to spare making one")
)

const (
	onSale     = 200 // events, whose tickets are made
	conns      = 16  // to Postgres, as a gateway has
	partitions = 12
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// town is a catalog in Postgres, and the engines that find events of it.
type town struct {
	catalog *pgcatalog.Store
	engines []engine
}

// engine is a search engine, with what it has cost so far.
type engine struct {
	search.Engine
	name   string
	target time.Duration // for the 99th of 100 searches of any shape
	spent  func() time.Duration
	size   func() string
}

func (w *town) pool() *pgxpool.Pool { return w.catalog.Pool() }

// newTown makes a catalog, or takes one that is there, and an index of it if there is a node of Elasticsearch.
func newTown(b *testing.B) *town {
	store := filled(b)
	w := &town{catalog: store}
	key := []byte("a key of the benchmark's own")
	if testenv.Engines() {
		c, node := indexed(b, store)
		w.engines = append(w.engines, engine{elastic.New(c, key, pgstock.New(store.Pool()).Fill), "elasticsearch", 50 * time.Millisecond, node.spent, node.size})
	}
	w.engines = append(w.engines, engine{pgtext.New(store.Pool(), key), "postgres", 200 * time.Millisecond,
		func() time.Duration { return sessions(b, store.Pool()).cpu }, func() string { return size(b, store.Pool()) }})
	return w
}

// filled is a catalog of many events.
func filled(b *testing.B) *pgcatalog.Store {
	address, began := *dsn, time.Now()
	if address == "" {
		address = testenv.Postgres(b, pgstore.Migrate)
		made, err := generate.New(generate.Options{
			Seed: 1, Venues: max(*events/365, 10), Events: *events, Days: 365, Tickets: min(onSale, *events), From: importer.Monday(began),
		})
		if err == nil {
			err = importer.Run(b.Context(), importer.Options{Postgres: address, Generated: made}, io.Discard)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	store, err := pgcatalog.Open(b.Context(), address, conns)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(store.Close)
	if *dsn == "" {
		took := time.Since(began)
		if _, err := store.Pool().Exec(b.Context(), "VACUUM ANALYZE"); err != nil {
			b.Fatal(err)
		}
		b.Logf("postgres: %d events in %s, %.0f a second; vacuumed in %s", *events, took.Round(time.Second), float64(*events)/took.Seconds(), (time.Since(began) - took).Round(time.Second))
	}
	b.Logf("postgres: %s", size(b, store.Pool()))
	return store
}

// size tells how much room a catalog takes, and its sessions.
func size(b *testing.B, pool *pgxpool.Pool) string {
	var events int
	var all, found, tickets, outbox int64
	err := pool.QueryRow(b.Context(), `SELECT (SELECT count(*) FROM events), pg_database_size(current_database()),
		pg_total_relation_size('event_search') + pg_total_relation_size('search_words'), (SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint FROM pg_partition_tree('tickets')), pg_total_relation_size('outbox')`).
		Scan(&events, &all, &found, &tickets, &outbox)
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("%d events, %d MB, of that %d MB for searches, %d MB tickets of the events on sale, %d MB announcements; sessions with what they share %d MB",
		events, all>>20, found>>20, tickets>>20, outbox>>20, sessions(b, pool).memory>>20)
}

// indexed is an index of a catalog.
func indexed(b *testing.B, store *pgcatalog.Store) (*elastic.Client, *node) {
	url, name := testenv.Elasticsearch(b), *prefix
	if name == "" {
		url, name = testenv.Indices(b)
	}
	c, err := elastic.Open([]string{url}, name)
	if err != nil {
		b.Fatal(err)
	}
	n := &node{b, url, name}
	if *prefix == "" {
		lead, err := pgstore.Open(b.Context(), store.Pool().Config().ConnString(), 4)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(lead.Close)
		log := stream.Open(stream.At(testenv.FreshKafka(b)), change.Topic)
		x := indexer.New(indexer.Config{Topic: change.Topic, Partitions: partitions, Lead: lead.Lead, TryLead: lead.TryLead, Log: slog.New(slog.DiscardHandler)},
			log, pgsource.New(store.Pool()), c)
		began, last := time.Now(), indexer.Progress{}
		if err := x.Rebuild(b.Context(), indexer.Pace{}, func(p indexer.Progress) { last = p }); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		b.Logf("elasticsearch: %d events in %s, %.0f a second, %d refused", last.Done, took.Round(time.Second), float64(last.Done)/took.Seconds(), last.Refused)
	}
	b.Logf("elasticsearch: %s", n.size())
	return c, n
}

func (w *town) vocabulary(b *testing.B) (v vocabulary) {
	list := func(sql string, args ...any) (out []string) {
		rows, err := w.pool().Query(context.Background(), sql, args...)
		if err == nil {
			out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil || len(out) == 0 {
			b.Fatalf("%s: %d, %v", sql, len(out), err)
		}
		return out
	}
	v.cities = list(`SELECT location FROM venues GROUP BY location ORDER BY hashtext(location) LIMIT 400`)
	v.venues = list(`SELECT name FROM venues ORDER BY hashtext(name) LIMIT 1000`)
	v.performers = list(`SELECT name FROM performers WHERE length(name) > 3 ORDER BY hashtext(name) LIMIT 1000`)
	const share = 10 // of the events are looked at for words
	words := fmt.Sprintf(`SELECT word FROM ts_stat('SELECT document FROM event_search WHERE hashint8(event_id) %% %d = 0') WHERE word ~ '^[a-z]{4,}$'
		AND ndoc > $1::float8 AND ndoc <= $2::float8 ORDER BY hashtext(word) LIMIT $3`, share)
	var n int
	if err := w.pool().QueryRow(context.Background(), `SELECT count(*) FROM event_search`).Scan(&n); err != nil {
		b.Fatal(err)
	}
	all := float64(n) / share
	v.rare = list(words, 0, 2, 1000)
	v.medium = list(words, all*0.005, all*0.05, 100)
	v.common = list(words, all*0.05, all, 100)
	rows, err := w.pool().Query(context.Background(), `SELECT latitude, longitude FROM venues ORDER BY hashtext(name) LIMIT 1000`)
	if err != nil {
		b.Fatal(err)
	}
	var at [2]float64
	if _, err := pgx.ForEachRow(rows, []any{&at[0], &at[1]}, func() error { v.points = append(v.points, at); return nil }); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d rare words, %d of a medium frequency, %d common ones: %s", len(v.rare), len(v.medium), len(v.common), strings.Join(v.common, " "))
	return v
}
