package main

import (
	"context"
	"encoding/xml"
	"flag"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"usher/booking/pgstore"
	"usher/catalog/generate"
	"usher/catalog/importer"
	"usher/catalog/pgcatalog"
	"usher/gateway"
	"usher/internal/testenv"
)

var (
	mapEvents = flag.Int("events", 20_000, "how many generated events the site map lists, in half a year and 100 a venue")
	mapDSN    = flag.String("dsn", "", "a database that usher generate has filled, to spare making one")
)

// BenchmarkSiteMap measures the site map through HTTP: each part for the first time, which reads the store, and again, which does not. Crawlers have
// no hurry; what counts is what a part costs everybody else: the longest, and the processor time of our own process.
func BenchmarkSiteMap(b *testing.B) {
	dsn := *mapDSN
	if dsn == "" {
		dsn = testenv.Postgres(b, pgstore.Migrate)
		c, err := generate.New(generate.Options{Seed: 1, Venues: max(*mapEvents/100, 1), Events: *mapEvents, Days: 182, From: importer.Monday(time.Now())})
		if err != nil {
			b.Fatal(err)
		}
		if err := importer.Run(b.Context(), importer.Options{Postgres: dsn, Generated: c}, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	store, err := pgcatalog.Open(b.Context(), dsn, 2)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(store.Close)
	for b.Loop() {
		get := startMap(b, store)
		var index struct {
			Parts []string `xml:"sitemap>loc"`
		}
		if err := xml.Unmarshal(get("/sitemap.xml"), &index); err != nil || len(index.Parts) == 0 {
			b.Fatalf("%d parts, %v", len(index.Parts), err)
		}
		events, bytes, longest := 0, 0, time.Duration(0)
		all := func() time.Duration {
			before := processor()
			for _, part := range index.Parts {
				began := time.Now()
				text := get(strings.TrimPrefix(part, "http://usher.test"))
				longest = max(longest, time.Since(began))
				events, bytes = events+strings.Count(string(text), "<url>"), max(bytes, len(text))
			}
			return processor() - before
		}
		cold := all()
		b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
		b.ReportMetric(float64(cold.Microseconds())/1000/float64(len(index.Parts)), "cpu-ms/part")
		b.ReportMetric(float64(events), "events")
		b.ReportMetric(float64(bytes), "largest-bytes")
		b.ReportMetric(float64(len(index.Parts)), "parts")
		kept := all()
		b.ReportMetric(float64(kept.Microseconds())/1000/float64(len(index.Parts)), "kept-cpu-ms/part")
	}
}

// startMap serves the site map from a cold start and returns how to read of it. The client's own work, to unpack the answer, counts with ours.
func startMap(b *testing.B, store *pgcatalog.Store) func(path string) []byte {
	edge := gateway.New(gateway.Config{PublicURL: "http://usher.test"}, gateway.Parts{Sitemap: store})
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	public, admin := listen(), listen()
	ctx, stop := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		if err := edge.Serve(ctx, public, admin); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { stop(); served.Wait() })
	return func(path string) []byte {
		resp, err := http.Get("http://" + public.Addr().String() + path)
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			b.Fatalf("%s: %s, %v", path, resp.Status, err)
		}
		return text
	}
}

// processor is the time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
