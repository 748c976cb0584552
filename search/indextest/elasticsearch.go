package indextest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"usher/internal/id"
	"usher/search"
)

// elasticsearch is an index in Elasticsearch that shows what is in it.
type elasticsearch struct {
	search.Index
	url string
}

// Elasticsearch looks into indices at a server by its plain HTTP.
func Elasticsearch(index search.Index, url string) Indexed {
	return &elasticsearch{index, url}
}

// Contents is what searches of an index find, at most 10,000 documents: what is shown of each, and what it is restricted and counted by.
func (e *elasticsearch) Contents(ctx context.Context, index string) (map[id.Event]string, error) {
	body, err := e.ask(ctx, http.MethodGet, index+"/_search?version=true&size=10000&docvalue_fields=shown,start,bands,category_key,for_sale")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID      string `json:"_id"`
				Version int64  `json:"_version"`
				Fields  struct {
					Shown    []string `json:"shown"`
					Start    []int64  `json:"start"`
					Bands    []string `json:"bands"`
					Category []string `json:"category_key"`
					ForSale  []bool   `json:"for_sale"`
				} `json:"fields"`
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
		f := h.Fields
		shown, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.Join(f.Shown, ""), "="))
		if err != nil {
			return nil, err
		}
		contents[event] = fmt.Sprintf("%d %s %v %v %v %v", h.Version, shown, f.Start, f.Bands, f.Category, f.ForSale)
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
