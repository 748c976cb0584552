// Package redisfacts keeps the static facts of events in Redis, the tier that all gateways share: while Postgres is away, a gateway shows from
// it what it has not shown before. It holds a bounded number of events, those that were read last.
package redisfacts

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/catalog"
	"usher/catalog/layout"
	"usher/internal/id"
	"usher/internal/redisdb"
)

const (
	maxEvents   = 20_000 // of some 1 to 3 KB each
	maxPacked   = 64 << 10
	maxUnpacked = 8 << 20
	lookTime    = 250 * time.Millisecond // a Redis that hangs costs a view no more
	format      = 1                      // of packed; another one's facts are not read
)

// ErrTooLarge reports facts that are not kept: packed they are above 64 KiB.
var ErrTooLarge = errors.New("the facts of the event are too large to be kept in Redis")

//go:embed keep.lua
var keepLua string

// Shelf is the facts in one Redis.
type Shelf struct {
	rdb    *redisdb.Client
	prefix string
	events int
	keep   *redis.Script
}

// New returns the shelf of a Redis. The prefix of its keys is "usher" but in tests.
func New(rdb *redisdb.Client, prefix string) *Shelf {
	return &Shelf{rdb: rdb, prefix: prefix, events: maxEvents, keep: redis.NewScript(keepLua)}
}

func (s *Shelf) factsKey() string { return s.prefix + ":{facts}:of" }
func (s *Shelf) sinceKey() string { return s.prefix + ":{facts}:since" }

// packed is how facts are kept: gzip over JSON.
type packed struct {
	Format        int
	Name, Details string
	ImageURL      string
	Performer     string
	Performers    []catalog.Performer
	Start, End    time.Time
	Venue         venue
	OnSale        bool
	Version       int64
	Currency      string
	Prices        map[string]int
	Layout        json.RawMessage
}

type venue struct {
	ID                            id.Venue
	Name, Location, City, Country string
	Latitude, Longitude           *float64
	Zone                          string
}

// Keep keeps an event's facts. Errors: ErrTooLarge, or Redis'.
func (s *Shelf) Keep(ctx context.Context, f *catalog.Facts) error {
	body, err := pack(f)
	if err != nil {
		return fmt.Errorf("keep the facts of %s: %w", f.Event, err)
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	err = s.rdb.On(ctx, s.factsKey(), func(at *redisdb.Server) error {
		return s.keep.Run(ctx, at, []string{s.factsKey(), s.sinceKey()}, f.Event.String(), body, s.events).Err()
	})
	if err != nil {
		return fmt.Errorf("keep the facts of %s: %w", f.Event, err)
	}
	return nil
}

// Kept returns the facts of an event and since when they are kept, by Redis' clock; nil: they are not. Errors: Redis', or that of facts that cannot be
// read.
func (s *Shelf) Kept(ctx context.Context, e id.Event) (*catalog.Facts, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var body *redis.StringCmd
	var since *redis.FloatCmd
	err := s.rdb.On(ctx, s.factsKey(), func(at *redisdb.Server) error {
		_, err := at.Pipelined(ctx, func(p redis.Pipeliner) error {
			body, since = p.HGet(ctx, s.factsKey(), e.String()), p.ZScore(ctx, s.sinceKey(), e.String())
			return nil
		})
		return err
	})
	if errors.Is(err, redis.Nil) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("kept facts of %s: %w", e, err)
	}
	f, err := unpack(e, []byte(body.Val()))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("kept facts of %s: %w", e, err)
	}
	return f, time.UnixMilli(int64(since.Val())).UTC(), nil
}

func pack(f *catalog.Facts) ([]byte, error) {
	spec, err := f.Layout.MarshalJSON()
	if err != nil {
		return nil, err
	}
	v := f.Venue
	text, err := json.Marshal(packed{
		Format: format, Name: f.Name, Details: f.Details, ImageURL: f.ImageURL, Performer: f.Performer, Performers: f.Performers, Start: f.Start, End: f.End,
		Venue:  venue{v.ID, v.Name, v.Location, v.City, v.Country, v.Latitude, v.Longitude, v.Zone.String()},
		OnSale: f.OnSale, Version: f.Version, Currency: f.Currency, Prices: f.Prices, Layout: spec,
	})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if len(text) > maxUnpacked || b.Len() > maxPacked {
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}

func unpack(e id.Event, body []byte) (*catalog.Facts, error) {
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxUnpacked {
		return nil, ErrTooLarge
	}
	var p packed
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	if p.Format != format {
		return nil, fmt.Errorf("they are in format %d, this Usher reads %d", p.Format, format)
	}
	v := p.Venue
	f := &catalog.Facts{
		Plan: &layout.Plan{Event: e, Currency: p.Currency, Prices: p.Prices},
		Name: p.Name, Details: p.Details, ImageURL: p.ImageURL, Performer: p.Performer, Performers: p.Performers, Start: p.Start, End: p.End,
		Venue:  catalog.Venue{ID: v.ID, Name: v.Name, Location: v.Location, City: v.City, Country: v.Country, Latitude: v.Latitude, Longitude: v.Longitude},
		OnSale: p.OnSale, Version: p.Version,
	}
	if f.Venue.Zone, err = time.LoadLocation(v.Zone); err != nil {
		return nil, err
	}
	if f.Layout, err = layout.Parse(p.Layout); err != nil {
		return nil, err
	}
	return f, f.Check()
}
