// Package testenv gives tests real stores: a Postgres database, a Redis, a Kafka topic of their own.
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
//
//	dsn := testenv.Postgres(t, pgstore.Migrate)  // a fresh migrated database, dropped after the test
//	addr, prefix := testenv.Redis(t)             // a shared server; only keys that contain prefix are the test's
//	own := testenv.FreshRedis(t)                 // a server of the test's own, to flush and to kill
//	topic := testenv.Topic(t, 12)                // a fresh topic at testenv.Kafka(t)
//	url := testenv.Elasticsearch(t)              // a shared node; skips the test unless it runs with the real engines
//
// The servers are those of USHER_TEST_POSTGRES (a URL of a superuser's database), USHER_TEST_REDIS and USHER_TEST_KAFKA
// (host:port). Where one is not set, a private one starts when the first test asks for it and ends with the test process, even when
// that panics or is killed. `go run ./internal/testenv/stores -- COMMAND` sets all three for many test processes at once.
//
// Kafka is the stand-in inside the process, unless `stores -engines real` starts Apache Kafka and Elasticsearch for the tests below it. Then
// FreshKafka lends the one broker to one test at a time, with topics made anew.
//
// A machine without Postgres or Redis fails the test, it does not skip it. What needs the real engines is skipped without them, unless
// USHER_TEST_ENGINES is "required".
package testenv

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// The environment that names servers which run already.
const (
	PostgresVariable      = "USHER_TEST_POSTGRES"
	RedisVariable         = "USHER_TEST_REDIS"
	KafkaVariable         = "USHER_TEST_KAFKA"
	ElasticsearchVariable = "USHER_TEST_ELASTICSEARCH"
	EnginesVariable       = "USHER_TEST_ENGINES" // RealEngines: Kafka is Apache Kafka; "" or "skip": tests that need real engines are skipped; anything else: they fail without
	SyncVariable          = "USHER_TEST_SYNC"    // set: the private Postgres waits for the disk, as a benchmark wants it
	RunVariable           = "USHER_TEST_RUN"     // marks what the test processes of one run share: migrated template databases
)

// RealEngines is what EnginesVariable says to tests that run with Apache Kafka and Elasticsearch.
const RealEngines = "real"

// Main runs the tests of a package, then ends what they started. It returns the exit code for os.Exit.
func Main(m *testing.M) int {
	if dir := os.Getenv(brokerVariable); dir != "" {
		if err := beBroker(dir); err != nil {
			fmt.Fprintln(os.Stderr, "testenv:", err)
		}
		return 1
	}
	code := m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := ours.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		return max(code, 1)
	}
	return code
}

// must ends the test at an error: must(t, "start Redis", err).
func must(t testing.TB, doing string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("testenv: %s: %v", doing, err)
	}
}

func randomName() string { return strings.ToLower(rand.Text()[:12]) }
