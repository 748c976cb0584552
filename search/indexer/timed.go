package indexer

import (
	"context"
	"time"

	"usher/search"
)

// askTime bounds each question to the index: one that has stopped without a word is like one that is away.
const askTime = 15 * time.Second

// packTime bounds the laying out of an index: 3.65 million events take two to four minutes.
const packTime = time.Hour

// timed is an index that answers in time or not at all.
type timed struct{ search.Index }

func (x timed) Put(ctx context.Context, index string, docs []search.Document) ([]search.Refusal, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return x.Index.Put(ctx, index, docs)
}

func (x timed) Refresh(ctx context.Context, index string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return x.Index.Refresh(ctx, index)
}

func (x timed) Pack(ctx context.Context, index string) error {
	ctx, cancel := context.WithTimeout(ctx, packTime)
	defer cancel()
	return x.Index.Pack(ctx, index)
}

func (x timed) NewIndex(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return x.Index.NewIndex(ctx)
}

func (x timed) Switch(ctx context.Context, index string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return x.Index.Switch(ctx, index)
}

func (x timed) Drop(ctx context.Context, index string) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return x.Index.Drop(ctx, index)
}

func (x timed) Current(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return x.Index.Current(ctx)
}
