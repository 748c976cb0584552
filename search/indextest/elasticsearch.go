package indextest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"usher/internal/id"
	"usher/search"
)

// elasticsearch is an index in Elasticsearch that shows what is in it.
type elasticsearch struct {
	search.Index
	url string
}

// Elasticsearch looks into indices at a server, whose names begin with the prefix, by its plain HTTP. They are removed when the test ends.
func Elasticsearch(t testing.TB, index search.Index, url, prefix string) Indexed {
	e := &elasticsearch{index, url}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, err := e.ask(ctx, http.MethodDelete, prefix+"-*")
		for tries := 1; err != nil && tries < 5; tries++ { // a server may still be at what an indexer that has ended asked for
			time.Sleep(200 * time.Millisecond)
			_, err = e.ask(ctx, http.MethodDelete, prefix+"-*")
		}
		if err != nil {
			t.Error(err)
		}
	})
	return e
}

// Contents is what searches of an index find, at most 10,000 documents.
func (e *elasticsearch) Contents(ctx context.Context, index string) (map[id.Event]string, error) {
	body, err := e.ask(ctx, http.MethodGet, index+"/_search?version=true&size=10000")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID      string          `json:"_id"`
				Version int64           `json:"_version"`
				Source  json.RawMessage `json:"_source"`
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	contents := map[id.Event]string{}
	for _, h := range answer.Hits.Hits {
		event, err := id.ParseEvent(h.ID)
		if err != nil {
			return nil, err
		}
		contents[event] = fmt.Sprintf("%d %s", h.Version, h.Source)
	}
	return contents, nil
}

func (e *elasticsearch) ask(ctx context.Context, method, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, e.url+"/"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.200s", method, path, answer.Status, body)
	}
	return body, err
}
