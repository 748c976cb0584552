package indextest

import (
	"context"
	"sync/atomic"

	"usher/search"
)

// Faulty is an index that fails when it is told to.
type Faulty struct {
	Indexed
	fault atomic.Pointer[func([]search.Document) error]
	puts  atomic.Int64
}

// Set sets what is asked before each Put: an error fails it, when half of the documents are in.
func (f *Faulty) Set(fault func(docs []search.Document) error) { f.fault.Store(&fault) }

// Puts counts the calls of Put.
func (f *Faulty) Puts() int { return int(f.puts.Load()) }

// Put stores documents, or half of them.
func (f *Faulty) Put(ctx context.Context, index string, docs []search.Document) ([]search.Refusal, error) {
	f.puts.Add(1)
	if fault := f.fault.Load(); fault != nil {
		if err := (*fault)(docs); err != nil {
			_, _ = f.Indexed.Put(ctx, index, docs[:len(docs)/2])
			return nil, err
		}
	}
	return f.Indexed.Put(ctx, index, docs)
}
