package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/VictoriaMetrics/metrics"
	"github.com/olivere/elastic/v7"

	"usher/internal/id"
	"usher/search"
)

const (
	maxDocument = 1 << 20 // bytes: the longest that an import lets through has 100 KB
	maxBulk     = 4 << 20 // bytes of one request
)

var (
	putTotal     = metrics.NewCounter("usher_index_documents_total")
	olderTotal   = metrics.NewCounter("usher_index_older_documents_total")
	refusedTotal = metrics.NewCounter("usher_index_refused_documents_total")
)

// Put stores documents, each unless the index has it in that version or a newer one. It returns those that the index cannot take. After an error
// nobody knows what was stored: put them again, which does no harm. The index is one of NewIndex's that has not been deleted.
func (c *Client) Put(ctx context.Context, index string, docs []search.Document) (refused []search.Refusal, err error) {
	var bulk strings.Builder
	var events []id.Event // of the bulk
	send := func() error {
		if len(events) == 0 {
			return nil
		}
		no, err := c.bulk(ctx, index, bulk.String(), events)
		refused, events = append(refused, no...), events[:0]
		bulk.Reset()
		return err
	}
	for _, d := range docs {
		lines, err := line(d)
		if err != nil {
			refused = append(refused, search.Refusal{Event: d.Event, Reason: err.Error()})
			continue
		}
		if bulk.Len()+len(lines) > maxBulk {
			if err := send(); err != nil {
				return nil, err
			}
		}
		bulk.WriteString(lines)
		events = append(events, d.Event)
	}
	if err := send(); err != nil {
		return nil, err
	}
	refusedTotal.Add(len(refused))
	return refused, nil
}

// line writes a document as a bulk takes it.
func line(d search.Document) (string, error) {
	if d.Event <= 0 || d.Version < 1 {
		return "", fmt.Errorf("event %d, version %d: both must be above 0", d.Event, d.Version)
	}
	body, err := json.Marshal(stored(d))
	if err != nil {
		return "", err
	}
	if len(body) > maxDocument {
		return "", fmt.Errorf("the document has %d bytes, at most %d are taken", len(body), maxDocument)
	}
	return `{"index":{"_id":"` + d.Event.String() + `","version":` + strconv.FormatInt(d.Version, 10) + `,"version_type":"external"}}` + "\n" + string(body) + "\n", nil
}

// bulk sends documents. It writes through the index's own alias and to nothing else: a bulk to an index that was deleted would make a new one, without a mapping.
func (c *Client) bulk(ctx context.Context, index, body string, events []id.Event) (refused []search.Refusal, err error) {
	response, err := c.es.PerformRequest(ctx, elastic.PerformRequestOptions{
		Method: "POST", Path: "/" + url.PathEscape(writing(index)) + "/_bulk", Body: body, ContentType: "application/x-ndjson",
		Params: url.Values{"require_alias": {"true"}, "filter_path": {"items.*.status,items.*._id,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason"}},
	})
	if err != nil {
		return nil, fmt.Errorf("put %d documents into %s: %w", len(events), index, err)
	}
	var answer elastic.BulkResponse
	if err := json.Unmarshal(response.Body, &answer); err != nil {
		return nil, fmt.Errorf("put %d documents into %s: %w", len(events), index, err)
	}
	if len(answer.Items) != len(events) {
		return nil, fmt.Errorf("put %d documents into %s: %d answers", len(events), index, len(answer.Items))
	}
	var stored, older int
	for i, item := range answer.Items {
		one := item["index"]
		switch {
		case one == nil || one.Id != events[i].String():
			return nil, fmt.Errorf("put documents into %s: answer %d is not about %s", index, i, events[i])
		case one.Status == 200 || one.Status == 201:
			stored++
		case one.Status == 409: // the index has it, or a newer one
			older++
		case one.Status == 400:
			refused = append(refused, search.Refusal{Event: events[i], Reason: reason(one.Error)})
		default: // it is busy, or lacks a shard, or the index is gone
			return nil, fmt.Errorf("put %s into %s: status %d: %s", events[i], index, one.Status, reason(one.Error))
		}
	}
	putTotal.Add(stored)
	olderTotal.Add(older)
	return refused, nil
}

// reason is what the server says, within bounds.
func reason(e *elastic.ErrorDetails) string {
	const most = 500
	if e == nil {
		return "no reason is given"
	}
	text := e.Type + ": " + e.Reason
	if why, ok := e.CausedBy["reason"].(string); ok {
		text += ": " + why
	}
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
