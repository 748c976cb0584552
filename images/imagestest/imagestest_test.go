package imagestest

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"sync"
	"testing"

	"usher/images"
)

// memory is a store in memory, with faults that can be planted.
type memory struct {
	mu    sync.Mutex // guards files
	files map[images.Name][]byte

	replaces, short, halves, large, deaf, sameTag, everything bool
}

func (m *memory) Put(ctx context.Context, n images.Name, jpeg []byte) error {
	if err := ctx.Err(); err != nil && !m.deaf {
		return err
	}
	if len(jpeg) > images.MaxObject && !m.large {
		return images.ErrTooLarge
	}
	if m.halves {
		m.set(n, jpeg[:len(jpeg)/2])
	}
	m.set(n, jpeg)
	return nil
}

func (m *memory) set(n images.Name, jpeg []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.files[n]; !taken || m.replaces {
		m.files[n] = jpeg
	}
}

func (m *memory) get(ctx context.Context, n images.Name) ([]byte, bool, error) {
	if err := ctx.Err(); err != nil && !m.deaf {
		return nil, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, there := m.files[n]
	return b, there || m.everything, nil
}

func (m *memory) Open(ctx context.Context, n images.Name) (*images.Object, error) {
	b, there, err := m.get(ctx, n)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, images.ErrNotFound
	}
	o := &images.Object{ReadCloser: io.NopCloser(bytes.NewReader(b)), Size: int64(len(b)), Tag: strconv.Itoa(len(b))}
	if m.short {
		o.ReadCloser = io.NopCloser(bytes.NewReader(b[:len(b)-1]))
	}
	if m.sameTag {
		o.Tag = "tag"
	}
	return o, nil
}

func (m *memory) Has(ctx context.Context, n images.Name) (bool, error) {
	_, there, err := m.get(ctx, n)
	return there, err
}

// broken returns the promises that a store breaks.
func broken(plant func(*memory)) (names []string) {
	for _, p := range promises {
		m := &memory{files: map[images.Name][]byte{}}
		plant(m)
		if p.keep(context.Background(), func() images.Store { return m }) != nil {
			names = append(names, p.name)
		}
	}
	return names
}

// A store without a fault keeps every promise, and each fault breaks the one that speaks of it.
func TestEveryPromiseFindsItsFault(t *testing.T) {
	t.Parallel()
	if names := broken(func(*memory) {}); names != nil {
		t.Errorf("a store without a fault breaks %q", names)
	}
	for promise, plant := range map[string]func(*memory){
		"WhatIsPutIsThereForEverybody": func(m *memory) { m.short = true },
		"ATakenNameKeepsWhatItHas":     func(m *memory) { m.replaces = true },
		"WhatWasNotPutIsNotThere":      func(m *memory) { m.everything = true },
		"NobodySeesPartOfAPicture":     func(m *memory) { m.halves = true },
		"TagsTellBytesApart":           func(m *memory) { m.sameTag = true },
		"NothingTooLargeIsTaken":       func(m *memory) { m.large = true },
		"ACancelledCallDoesNothing":    func(m *memory) { m.deaf = true },
	} {
		found := false
		for _, name := range broken(plant) {
			found = found || name == promise
		}
		if !found {
			t.Errorf("%s does not find its fault", promise)
		}
	}
}
