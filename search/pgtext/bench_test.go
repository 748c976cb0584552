package pgtext

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/search"
)

//go:embed testdata/many_events.sql
var manyEvents string

var benchEvents = flag.Int("events", 20_000, "how many events the benchmark searches in; venues are a twentieth")

// BenchmarkSearch measures every shape of query; p99 is reported beside the mean.
func BenchmarkSearch(b *testing.B) {
	w := newTown(b)
	sql := strings.NewReplacer("{venues}", fmt.Sprint(*benchEvents/20), "{events}", fmt.Sprint(*benchEvents)).Replace(manyEvents)
	conn, err := w.pool().Acquire(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	_, err = conn.Conn().PgConn().Exec(context.Background(), sql).ReadAll()
	conn.Release()
	if err != nil {
		b.Fatal(err)
	}
	price := 5000
	for _, shape := range []struct {
		name string
		q    search.Query
	}{
		{"all", search.Query{}},
		{"dates", search.Query{StartDate: date("2027-03-01"), EndDate: date("2027-04-30")}},
		{"city", search.Query{Location: "City 17"}},
		{"city and dates", search.Query{Location: "city 17, country 17", StartDate: date("2027-03-01"), EndDate: date("2027-04-30")}},
		{"radius", search.Query{HasPoint: true, Latitude: -53, Longitude: -151, RadiusKM: 300}},
		{"radius and dates", search.Query{HasPoint: true, Latitude: -53, Longitude: -151, RadiusKM: 300, StartDate: date("2027-03-01"), EndDate: date("2027-04-30")}},
		{"venue", search.Query{Venue: "hall 77"}},
		{"performer", search.Query{Performer: "the band 42"}},
		{"many performers", search.Query{Performer: "the band"}},
		{"price", search.Query{PriceMin: &price}},
		{"tickets", search.Query{Tickets: true, PageSize: 100}},
	} {
		b.Run(shape.name, func(b *testing.B) { w.measure(b, shape.q) })
	}
	_, page := w.find(search.Query{PageSize: 100})
	for range 20 {
		_, page = w.find(search.Query{PageSize: 100, Cursor: page.NextCursor})
	}
	b.Run("deep page", func(b *testing.B) { w.measure(b, search.Query{Cursor: page.NextCursor}) })
}

func (w *town) measure(b *testing.B, q search.Query) {
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := w.Search(context.Background(), q); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
