package indexer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"usher/internal/id"
	"usher/internal/testenv"
	"usher/search/elastic"
	"usher/search/indextest"
)

// changesPerSecond is how often the benchmark changes an event. A system of the stated size has a change every ten seconds.
const changesPerSecond = 20

// BenchmarkLag measures how long after its commit searches in Elasticsearch find a change: outbox, relay, Kafka's stand-in, indexer, index, and a
// look every 10 ms. The changes come at a fixed rate.
func BenchmarkLag(b *testing.B) {
	url, prefix := testenv.Indices(b)
	c, err := elastic.Open([]string{url}, prefix)
	indextest.Must(b, err)
	r := newRig(b, func(testing.TB) indextest.Indexed { return indextest.Elasticsearch(c, url) })
	testenv.Running(r.t, r.indexer().Run)
	r.eventually("an index", func() bool { return len(r.contents()) == len(r.ids) })
	random := rand.New(rand.NewPCG(1, 1))
	type wait struct {
		version int64
		since   time.Time
	}
	waits := map[id.Event][]wait{}
	var lags []time.Duration
	look := func() {
		for e, text := range r.contents() {
			var version int64
			if _, err := fmt.Sscan(text, &version); err != nil {
				b.Fatal(err)
			}
			for len(waits[e]) > 0 && waits[e][0].version <= version {
				lags = append(lags, time.Since(waits[e][0].since))
				waits[e] = waits[e][1:]
			}
		}
	}
	began, done := time.Now(), 0
	for b.Loop() {
		for due := began.Add(time.Duration(done) * time.Second / changesPerSecond); time.Now().Before(due); time.Sleep(10 * time.Millisecond) {
			look()
		}
		done++
		n := random.IntN(len(r.ids))
		r.putEvent(n, done)
		docs, _, err := r.source.Documents(context.Background(), []id.Event{r.ids[n]})
		indextest.Must(b, err)
		waits[r.ids[n]] = append(waits[r.ids[n]], wait{docs[0].Version, time.Now()})
	}
	r.eventually("the last change", func() bool { look(); return len(lags) == done })
	slices.Sort(lags)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(lags[len(lags)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(lags[len(lags)*99/100].Milliseconds()), "p99-ms")
	b.ReportMetric(float64(lags[len(lags)-1].Milliseconds()), "worst-ms")
}
