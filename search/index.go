package search

import (
	"context"

	"usher/internal/id"
)

// Index keeps documents for an engine, in named indices of which one at a time is searched. Package indextest holds every index to what follows.
type Index interface {
	// Put stores documents. One that is there with the same or a higher version stays: that is no refusal. Refused documents can never be
	// stored as they are, and hinder none beside them. After an error any of them may be stored or not: repeat.
	Put(ctx context.Context, index string, docs []Document) (refused []Refusal, err error)
	// Refresh makes searches of the index find what was put before.
	Refresh(ctx context.Context, index string) error
	// Pack lays out an index that is full, so that searches of it cost least; what is in it stays as it is, and more can be put. It may take minutes, and as much disk again.
	Pack(ctx context.Context, index string) error
	// NewIndex makes an empty index that is not searched yet. Its name was never that of another.
	NewIndex(ctx context.Context) (name string, err error)
	// Switch makes searches go to the index, from one moment to the next. It may remove others, but not the one that was searched before.
	Switch(ctx context.Context, index string) error
	// Drop removes an index that is not searched.
	Drop(ctx context.Context, index string) error
	// Current is the name of the index that is searched; empty when none is.
	Current(ctx context.Context) (index string, err error)
}

// Refusal is a document that an index does not take.
type Refusal struct {
	Event  id.Event
	Reason string
}
