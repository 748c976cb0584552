package indextest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"

	"usher/internal/id"
	"usher/search"
)

// Memory is an index in memory: the reference. Its zero value is empty.
type Memory struct {
	// LastPutWins switches off what versions are for: the control of every test that puts in another order.
	LastPutWins bool

	mu      sync.Mutex // guards all below
	indices map[string]*memoryIndex
	made    int
	current string
}

type memoryIndex struct{ put, shown map[id.Event]search.Document }

var errNoIndex = errors.New("there is no such index")

// Put stores documents. See search.Index.
func (m *Memory) Put(_ context.Context, index string, docs []search.Document) (refused []search.Refusal, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.indices[index]
	if at == nil {
		return nil, fmt.Errorf("put into %q: %w", index, errNoIndex)
	}
	for _, d := range docs {
		if d.Venue.Latitude != nil && math.Abs(*d.Venue.Latitude) > 90 {
			refused = append(refused, search.Refusal{Event: d.Event, Reason: "its venue lies nowhere on earth"})
			continue
		}
		if old, there := at.put[d.Event]; !there || d.Version > old.Version || m.LastPutWins {
			at.put[d.Event] = d
		}
	}
	return refused, nil
}

// Refresh shows what was put.
func (m *Memory) Refresh(_ context.Context, index string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.indices[index]
	if at == nil {
		return fmt.Errorf("refresh %q: %w", index, errNoIndex)
	}
	at.shown = maps.Clone(at.put)
	return nil
}

// Pack has nothing to do.
func (m *Memory) Pack(_ context.Context, index string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.indices[index] == nil {
		return fmt.Errorf("pack %q: %w", index, errNoIndex)
	}
	return nil
}

// NewIndex makes an empty index.
func (m *Memory) NewIndex(context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.indices == nil {
		m.indices = map[string]*memoryIndex{}
	}
	m.made++
	name := fmt.Sprintf("memory-%d", m.made)
	m.indices[name] = &memoryIndex{put: map[id.Event]search.Document{}}
	return name, nil
}

// Switch makes an index the current one.
func (m *Memory) Switch(_ context.Context, index string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.indices[index] == nil {
		return fmt.Errorf("switch to %q: %w", index, errNoIndex)
	}
	if index == m.current {
		return nil
	}
	maps.DeleteFunc(m.indices, func(name string, _ *memoryIndex) bool { return name != index && name != m.current })
	m.current = index
	return nil
}

// Drop removes an index.
func (m *Memory) Drop(_ context.Context, index string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.indices[index] == nil || index == m.current {
		return fmt.Errorf("drop %q: %w", index, errNoIndex)
	}
	delete(m.indices, index)
	return nil
}

// Current is the index that is searched.
func (m *Memory) Current(context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current, nil
}

// Contents is what searches of an index find. See Indexed.
func (m *Memory) Contents(_ context.Context, index string) (map[id.Event]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.indices[index]
	if at == nil {
		return nil, fmt.Errorf("contents of %q: %w", index, errNoIndex)
	}
	contents := map[id.Event]string{}
	for e, d := range at.shown {
		b, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		contents[e] = fmt.Sprintf("%d %s", d.Version, b)
	}
	return contents, nil
}

// Indices counts the indices that there are.
func (m *Memory) Indices() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.indices)
}
