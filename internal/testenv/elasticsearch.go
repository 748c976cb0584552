package testenv

import (
	"os"
	"testing"
)

// Elasticsearch returns the URL of a node that other tests use too: a test's indices have names of their own, and it deletes them. Without
// the real engines the test is skipped, or fails where they are required.
func Elasticsearch(t testing.TB) string {
	t.Helper()
	NeedEngines(t)
	return os.Getenv(ElasticsearchVariable)
}

// NeedEngines ends the test unless it runs with Apache Kafka and Elasticsearch.
func NeedEngines(t testing.TB) {
	t.Helper()
	if os.Getenv(ElasticsearchVariable) != "" {
		return
	}
	const how = "it needs Apache Kafka and Elasticsearch: make engines"
	if mode := os.Getenv(EnginesVariable); mode != "" && mode != "skip" {
		t.Fatalf("testenv: %s is not set, and %s says that real engines are required; %s", ElasticsearchVariable, EnginesVariable, how)
	}
	t.Skip(how)
}
