package pgcatalog

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// seen remembers what never changes and is dear to find out for each batch of an import: zones, which are files, and the levels of layouts,
// for which Postgres unpacks every row of a seating.
type seen struct {
	mu     sync.Mutex // guards all below
	zones  map[string]*time.Location
	levels map[int64][]string // by the row of the layout, which is immutable
}

const mostSeen = 200_000 // layouts, about 20 MB; beyond it they are forgotten and read again

func newSeen() *seen { return &seen{zones: map[string]*time.Location{}, levels: map[int64][]string{}} }

func (s *seen) zone(name string) (*time.Location, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if z, ok := s.zones[name]; ok {
		return z, nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		s.zones[name] = z
	}
	return z, err
}

// readLevels reads the levels of the layouts that are new, and gives them to k. It reads in the transaction that found the layouts: one that
// is rolled back can leave levels of a row behind that never was, and whose id is never given again.
func (s *seen) readLevels(ctx context.Context, tx pgx.Tx, k *known) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.levels) > mostSeen {
		clear(s.levels)
	}
	missing := map[int64]bool{}
	for _, l := range k.layouts {
		if _, ok := s.levels[l.id]; !ok {
			missing[l.id] = true
		}
	}
	if len(missing) > 0 {
		rows, err := tx.Query(ctx, query("layout_levels"), slices.Collect(maps.Keys(missing)))
		if err != nil {
			return err
		}
		var row int64
		var levels []string
		if _, err := pgx.ForEachRow(rows, []any{&row, &levels}, func() error {
			s.levels[row] = slices.Clone(levels)
			return nil
		}); err != nil {
			return err
		}
	}
	k.levels = make(map[int64][]string, len(k.layouts))
	for _, l := range k.layouts {
		k.levels[l.id] = s.levels[l.id]
	}
	return nil
}
