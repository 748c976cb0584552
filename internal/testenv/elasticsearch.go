package testenv

import (
	"os"
	"testing"
)

// ElasticsearchVariable names an Elasticsearch that runs already.
const ElasticsearchVariable = "USHER_TEST_ELASTICSEARCH"

// Elasticsearch returns the URL of a server, which no test may take for its own: its indices have a prefix of the test's. Without one the test is skipped.
func Elasticsearch(t testing.TB) string {
	t.Helper()
	url := os.Getenv(ElasticsearchVariable)
	if url == "" {
		t.Skip("needs Elasticsearch: `make engines` starts one, or set " + ElasticsearchVariable + " to its URL")
	}
	return url
}

// Prefix returns a name that is the test's own.
func Prefix(testing.TB) string { return "t" + randomName() }
