package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"usher/booking/event"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/relay"
	"usher/catalog/change"
	"usher/catalog/layout"
	"usher/catalog/pgcatalog"
	"usher/internal/id"
	"usher/internal/stream"
	"usher/internal/testenv"
	"usher/search"
	"usher/search/elastic"
	"usher/search/indextest"
	"usher/search/pgsource"
	"usher/search/pgstock"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const (
	patience   = 30 * time.Second
	partitions = 12
)

// rig is a catalog whose changes a relay brings to the log, and an index.
type rig struct {
	t        testing.TB
	store    *pgstore.Store
	catalog  *pgcatalog.Store
	sales    *pgstock.Stock
	source   *pgsource.Source
	producer *stream.Producer
	log      *stream.Log
	index    *indextest.Faulty
	other    indextest.Indexed // of the same kind, to compare with

	venues, performers, events int
	ids                        []id.Event
}

// inMemory makes an index in memory.
func inMemory(testing.TB) indextest.Indexed { return &indextest.Memory{} }

// everywhere runs a test on each kind of index.
func everywhere(t *testing.T, test func(t *testing.T, open func(testing.TB) indextest.Indexed)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, inMemory)
	})
	t.Run("elasticsearch", func(t *testing.T) {
		t.Parallel()
		testenv.NeedEngines(t)
		test(t, func(t testing.TB) indextest.Indexed {
			url, prefix := testenv.Indices(t)
			c, err := elastic.Open([]string{url}, prefix)
			indextest.Must(t, err)
			return indextest.Elasticsearch(c, url)
		})
	})
}

// newRig makes a catalog of 4 venues, 4 performers and 20 events.
func newRig(t testing.TB, open func(testing.TB) indextest.Indexed) *rig {
	t.Helper()
	dsn := testenv.Postgres(t, pgstore.Migrate)
	r := &rig{t: t, store: pgtest.Again(t, dsn, 16), index: &indextest.Faulty{Indexed: open(t)}, other: open(t)}
	var err error
	if r.catalog, err = pgcatalog.Open(context.Background(), dsn, 4); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.catalog.Close)
	r.sales, r.source = pgstock.New(r.catalog.Pool()), pgsource.New(r.store.Pool())
	brokers := stream.At(testenv.FreshKafka(t))
	r.producer, r.log = stream.NewProducer(brokers), stream.Open(brokers, change.Topic)
	testenv.Running(r.t, r.producer.Run)
	testenv.Running(r.t, relay.New(r.store, r.producer, func(context.Context, []event.Event) error { return nil }, quiet()).Run)
	for range 4 {
		r.putVenue(r.venues)
		r.putPerformer(r.performers)
	}
	for n := range 20 {
		r.putEvent(n, 0)
	}
	return r
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (r *rig) indexer() *Indexer {
	x := New(Config{Topic: change.Topic, Partitions: partitions, Lead: r.store.Lead, TryLead: r.store.TryLead, Log: quiet()}, r.log, r.source, r.index)
	x.page = 7 // many pages of few events
	return x
}

// rebuilt returns an indexer whose index has been built.
func (r *rig) rebuilt() *Indexer {
	r.t.Helper()
	x := r.indexer()
	r.must(x.Rebuild(r.t.Context(), Pace{}, nil))
	return x
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) eventually(what string, ready func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

func (r *rig) count(sql string, args ...any) int { return pgtest.Count(r.t, r.store, sql, args...) }

// told waits until the log has all changes.
func (r *rig) told() {
	r.t.Helper()
	r.eventually("an empty outbox", func() bool { return r.count(`SELECT count(*) FROM outbox`) == 0 })
}

// truth is what an index of all that Postgres has now would have.
func (r *rig) truth() map[id.Event]string {
	r.t.Helper()
	events, err := r.source.After(context.Background(), 0, 10_000)
	r.must(err)
	docs, broken, err := r.source.Documents(context.Background(), events)
	r.must(err)
	if len(broken) > 0 {
		r.t.Fatalf("%+v", broken)
	}
	index := indextest.NewIndex(r.t, r.other, docs...)
	defer func() { r.must(r.other.Drop(context.Background(), index)) }()
	return indextest.Contents(r.t, r.other, index)
}

func (r *rig) current() string {
	r.t.Helper()
	current, err := r.index.Current(context.Background())
	r.must(err)
	return current
}

// contents is what is searched; none when there is no index, or it has just gone.
func (r *rig) contents() map[id.Event]string {
	r.t.Helper()
	current := r.current()
	if current == "" { // Elasticsearch would take no name for all indices, one that is being built among them
		return nil
	}
	contents, err := r.index.Contents(context.Background(), current)
	if err != nil {
		return nil
	}
	return contents
}

// follows waits until the index that is searched is what Postgres has.
func (r *rig) follows() {
	r.t.Helper()
	want := r.truth()
	for deadline := time.Now().Add(patience); !maps.Equal(r.contents(), want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			indextest.Same(r.t, r.contents(), want)
			r.t.Fatalf("after %s the index is not what Postgres has", patience)
		}
	}
}

func (r *rig) putVenue(n int) {
	r.t.Helper()
	key := fmt.Sprintf("venue-%d", n)
	seats, err := layout.Generate(20)
	r.must(err)
	latitude, longitude := 43.6+rand.Float64(), -79.3
	_, err1 := r.catalog.PutVenues(context.Background(), []pgcatalog.Venue{{Key: key, Name: fmt.Sprintf("Hall %d, named %d", n, rand.IntN(1e6)), City: "Toronto",
		Country: "CA", Location: "Toronto, Canada", TimeZone: "America/Toronto", Latitude: &latitude, Longitude: &longitude}})
	_, err2 := r.catalog.PutLayouts(context.Background(), []pgcatalog.Layout{{Key: key, Venue: key, Layout: seats}})
	r.must(errors.Join(err1, err2))
	r.venues = max(r.venues, n+1)
}

func (r *rig) putPerformer(n int) {
	r.t.Helper()
	_, err := r.catalog.PutPerformers(context.Background(), []pgcatalog.Performer{{Key: fmt.Sprintf("performer-%d", n), Name: fmt.Sprintf("The %d Owls", rand.IntN(1e6))}})
	r.must(err)
	r.performers = max(r.performers, n+1)
}

// putEvent adds or changes event n. What is on sale keeps its venue and prices.
func (r *rig) putEvent(n, take int) {
	r.t.Helper()
	out, err := r.catalog.PutEvents(context.Background(), []pgcatalog.Event{{
		Key: fmt.Sprintf("event-%d", n), Name: fmt.Sprintf("Event %d, take %d", n, take), Details: fmt.Sprint(rand.IntN(1e6)), Venue: fmt.Sprintf("venue-%d", n%4),
		Performers: []string{fmt.Sprintf("performer-%d", n%4), fmt.Sprintf("performer-%d", (n+1+take%3)%4)}, Length: time.Hour, Category: "Music", Currency: "CAD",
		Start: time.Date(2026, 12, 1+n%28, 20, take%60, 0, 0, time.UTC), Prices: map[string]int{"A": 3000 + n, "B": 2000, "C": 1000},
	}})
	r.must(err)
	if out[0].Outcome == pgcatalog.Refused {
		r.t.Fatalf("event %d is refused: %s", n, out[0].Reason)
	}
	if r.events = max(r.events, n+1); len(r.ids) < r.events {
		r.ids = append(r.ids, out[0].ID)
	}
}

func (r *rig) openSale(e id.Event) {
	r.t.Helper()
	_, err := r.catalog.OpenSale(context.Background(), e)
	r.must(err)
}

// sell books every seat of an event, or gives all back, as far as search hears of it.
func (r *rig) sell(e id.Event, sold bool) {
	r.t.Helper()
	sql := `UPDATE tickets SET status = 'booked', booking_id = gen_random_uuid() WHERE event_id = $1`
	if !sold {
		sql = `UPDATE tickets SET status = 'available', booking_id = NULL WHERE event_id = $1`
	}
	r.exec(sql, int64(e))
	r.exec(`INSERT INTO command_results (command_id, event_id, result) VALUES (gen_random_uuid(), $1, '{}')`, int64(e))
	r.must(r.sales.Restock(context.Background(), 0))
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.store.Pool().Exec(context.Background(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

// change makes one change of whatever kind.
func (r *rig) change(random *rand.Rand) {
	r.t.Helper()
	e := r.ids[random.IntN(len(r.ids))]
	switch random.IntN(10) {
	case 0:
		r.putVenue(random.IntN(r.venues))
	case 1:
		r.putPerformer(random.IntN(r.performers))
	case 2:
		r.putEvent(r.events, 0)
	case 3:
		r.openSale(e)
	case 4:
		r.sell(e, true)
	case 5:
		r.sell(e, false)
	default:
		r.putEvent(random.IntN(r.events), 1+random.IntN(1000))
	}
}

// write puts messages on the log.
func (r *rig) write(values ...string) {
	r.t.Helper()
	for i, v := range values {
		r.must(r.producer.Write(context.Background(), stream.Message{Topic: change.Topic, Key: fmt.Sprint(i), Value: []byte(v)}))
	}
}

// offsets are where an index is in the log.
func (r *rig) offsets(index string) []int64 {
	r.t.Helper()
	topicID, err := r.log.ID(context.Background())
	r.must(err)
	next, err := r.source.Offsets(context.Background(), index, topicID)
	r.must(err)
	return next
}

// noted reports whether the index that is searched is noted as having all that Postgres has told.
func (r *rig) noted() bool {
	r.t.Helper()
	if r.count(`SELECT count(*) FROM outbox`) > 0 {
		return false
	}
	ends, err := r.log.Ends(context.Background(), partitions)
	r.must(err)
	return slices.Equal(r.offsets(r.current()), ends)
}

func document(n int, version int64) search.Document { return indextest.Sample(n, version) }

// indices counts the indices of a rig in memory.
func (r *rig) indices() int { return r.index.Indexed.(*indextest.Memory).Indices() }
