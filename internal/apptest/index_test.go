package apptest

import (
	"strings"
	"testing"
	"time"

	"usher/internal/testenv"
)

// What an import changes comes through outbox, relay, Kafka and the indexer into Elasticsearch, and a gateway's searches find it there. While the
// indexer is dead they do not, although Postgres would: it is Elasticsearch that answers.
func TestWhatAnImportChangesIsFoundInElasticsearchOnRealEngines(t *testing.T) {
	t.Parallel()
	testenv.NeedEngines(t)
	catalog := eventOf(20)
	s := Start(t, Options{Gateways: 2, Catalog: catalog, Search: true})
	concert := s.EventID()
	// found are the ids that a search for words finds at a gateway; Postgres must not have made up for Elasticsearch.
	found := func(gateway int, words string) (ids string) {
		a := must(t, (&Fan{t: t, client: client, Base: s.Public[gateway]}).Do("GET", "/api/v1/events/search?q="+words, nil), 200)
		if why := a.Header.Get("Usher-Degraded"); why != "" {
			t.Logf("a search is degraded: %s", why)
			return why
		}
		list, _ := a.Body["events"].([]any)
		for _, item := range list {
			e, _ := item.(map[string]any)
			name, _ := e["id"].(string)
			ids += name
		}
		return ids
	}
	change := func(from, to string) {
		catalog = strings.ReplaceAll(catalog, from, to)
		s.must("import", write(t, t.TempDir(), "again.jsonl", catalog))
	}
	finds := func(words, want string) {
		t.Helper()
		for gateway := range s.Public {
			within(t, 30*time.Second, words+" finds "+want, func() bool { return found(gateway, words) == want })
		}
	}
	finds("concert", concert)
	finds("nachtmusik", "")

	change("A Concert", "Eine kleine Nachtmusik")
	finds("nachtmusik", concert)
	finds("concert", "")

	s.Kill("indexer", 0)
	change("Eine kleine Nachtmusik", "Winterreise")
	within(t, 30*time.Second, "the event's view has its name", func() bool {
		a := (&Fan{t: t, client: client, Base: s.Public[0]}).Do("GET", "/api/v1/events/"+concert, nil)
		e, _ := a.Body["event"].(map[string]any)
		return e["name"] == "Winterreise"
	})
	finds("nachtmusik", concert)
	finds("winterreise", "")
	s.StartRole("indexer", 0)
	finds("winterreise", concert)
	finds("nachtmusik", "")
}
