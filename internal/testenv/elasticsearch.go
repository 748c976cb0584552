package testenv

import (
	"context"
	"net/http"
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

// Engines reports whether the tests run with Apache Kafka and Elasticsearch.
func Engines() bool { return os.Getenv(ElasticsearchVariable) != "" }

// NeedEngines ends the test unless it runs with Apache Kafka and Elasticsearch.
func NeedEngines(t testing.TB) {
	t.Helper()
	if Engines() {
		return
	}
	const how = "it needs Apache Kafka and Elasticsearch: make engines"
	if mode := os.Getenv(EnginesVariable); mode != "" && mode != "skip" {
		t.Fatalf("testenv: %s is not set, and %s says that real engines are required; %s", ElasticsearchVariable, EnginesVariable, how)
	}
	t.Skip(how)
}

// Indices returns the URL of the node and what the names of the test's own indices begin with. They are deleted when the test ends.
func Indices(t testing.TB) (url, prefix string) {
	t.Helper()
	url, prefix = Elasticsearch(t), "t"+randomName()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		status := http.StatusNotFound
		for status == http.StatusNotFound { // what the test asked for last may still be deleting one of them: then none of the others is
			request, err := http.NewRequestWithContext(ctx, http.MethodDelete, url+"/"+prefix+"*", nil)
			must(t, "delete the indices", err)
			answer, err := http.DefaultClient.Do(request)
			must(t, "delete the indices", err)
			_ = answer.Body.Close()
			status = answer.StatusCode
		}
		if status != http.StatusOK {
			t.Errorf("testenv: delete the indices: status %d", status)
		}
	})
	return url, prefix
}
