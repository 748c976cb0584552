// Package elastic finds events in Elasticsearch 7 and keeps the index there. It alone knows Elasticsearch. An index is disposable: all of it
// comes from Postgres, each document with the version that it had there, so that what is old never replaces what is newer. docs/search.md tells how.
package elastic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/olivere/elastic/v7"

	"usher/internal/address"
)

const (
	maxAnswer  = 16 << 20 // bytes: a page of 101 events whose details are as long as they may be has 8 MB at most
	maxConns   = 64       // to one server
	dialWait   = time.Second
	idleFor    = 90 * time.Second
	maxAddress = 16 // servers
)

// Client speaks to the servers of a cluster.
type Client struct {
	es     *elastic.Client
	prefix string // of the names of indices
	alias  string // of the one that is searched: it names the form of documents
	shards int    // of a new index; 0: one
}

// Open returns a client for some servers, such as https://user:password@host:9200?ca=FILE; the user and the authorities of the last count for all.
// It does not speak to them yet, so it does not fail because they are away. The prefix is a name of lower-case letters, digits and dashes.
func Open(urls []string, prefix string) (*Client, error) {
	if len(urls) == 0 || len(urls) > maxAddress {
		return nil, fmt.Errorf("elasticsearch: %d addresses, want 1 to %d", len(urls), maxAddress)
	}
	transport := &http.Transport{
		DialContext: (&net.Dialer{Timeout: dialWait}).DialContext, TLSHandshakeTimeout: dialWait,
		MaxConnsPerHost: maxConns, MaxIdleConnsPerHost: maxConns, IdleConnTimeout: idleFor,
		DisableCompression: true, // of answers: the servers are near, and compressing costs them more than sending
	}
	options := []elastic.ClientOptionFunc{
		elastic.SetSniff(false), elastic.SetHealthcheck(false), elastic.SetRetrier(revived{}),
		elastic.SetHttpClient(&doer{&http.Client{
			Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("elasticsearch does not redirect: is it another server?")
			},
		}}),
	}
	plain := make([]string, len(urls)) // without passwords
	for i, text := range urls {
		a, err := address.Parse(strings.TrimSpace(text), "ca")
		if err == nil && (a.Scheme != "http" && a.Scheme != "https" || len(a.Hosts) != 1) {
			err = errors.New("it is none such as http://localhost:9200")
		}
		if err == nil && a.Scheme == "https" {
			transport.TLSClientConfig, err = a.TLS()
		}
		if err != nil {
			return nil, fmt.Errorf("elasticsearch: address %d: %w", i+1, err) // not shown: it may hold a password
		}
		if a.Password != "" {
			options = append(options, elastic.SetBasicAuth(a.User, a.Password))
		}
		plain[i] = (&url.URL{Scheme: a.Scheme, Host: a.Hosts[0], Path: a.Path}).String()
	}
	es, err := elastic.NewSimpleClient(append(options, elastic.SetURL(plain...))...)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	alias, err := searching(prefix)
	if err != nil {
		return nil, fmt.Errorf("elasticsearch: %w", err)
	}
	return &Client{es: es, prefix: prefix, alias: alias}, nil
}

// revived is when a request is tried again: never, but for the first after the library has taken all servers for dead. It refuses that one without asking any server, and
// believes in them again for the next.
type revived struct{}

// Retry is called after every failure.
func (revived) Retry(_ context.Context, tries int, _ *http.Request, _ *http.Response, err error) (time.Duration, bool, error) {
	return 0, tries == 1 && elastic.IsConnErr(err), nil
}

// doer bounds what an answer may be.
type doer struct{ *http.Client }

func (d *doer) Do(r *http.Request) (*http.Response, error) {
	answer, err := d.Client.Do(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	}
	return answer, err
}

// ask sends searches in one round trip. An answer that is not whole is none.
func (c *Client) ask(ctx context.Context, searches ...*elastic.SearchSource) ([]*elastic.SearchResult, error) {
	m := c.es.MultiSearch()
	for _, s := range searches {
		if end, bounded := ctx.Deadline(); bounded {
			s.Timeout(fmt.Sprintf("%dms", max(time.Until(end).Milliseconds(), 1))) // nobody waits longer
		}
		m.Add(elastic.NewSearchRequest().Index(c.alias).SearchSource(s).AllowPartialSearchResults(false))
	}
	answer, err := m.Do(ctx)
	if err != nil {
		return nil, fmt.Errorf("search in elasticsearch: %w", err)
	}
	if len(answer.Responses) != len(searches) {
		return nil, fmt.Errorf("search in elasticsearch: %d answers to %d questions", len(answer.Responses), len(searches))
	}
	for _, one := range answer.Responses {
		switch {
		case one == nil:
			return nil, errors.New("search in elasticsearch: no answer")
		case one.Error != nil:
			return nil, fmt.Errorf("search in elasticsearch: %s: %s", one.Error.Type, one.Error.Reason)
		case one.TimedOut:
			return nil, errors.New("search in elasticsearch: it stopped in the middle")
		case one.Shards == nil || one.Shards.Failed > 0 || one.Hits == nil || slices.Contains(one.Hits.Hits, nil):
			return nil, errors.New("search in elasticsearch: the answer is not whole")
		}
	}
	return answer.Responses, nil
}
