package desk

import "sync"

// recent remembers the values that were used lately, at most 2·max of them: two generations, of which the older one goes when the
// younger is full.
type recent[K comparable, V any] struct {
	max        int
	mu         sync.Mutex // guards both maps
	young, old map[K]V
}

func newRecent[K comparable, V any](max int) *recent[K, V] {
	return &recent[K, V]{max: max, young: map[K]V{}, old: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (v V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok = r.young[k]; ok {
		return v, true
	}
	if v, ok = r.old[k]; ok {
		r.set(k, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(k, v)
}

// set needs the lock.
func (r *recent[K, V]) set(k K, v V) {
	if _, known := r.young[k]; !known && len(r.young) >= r.max {
		r.old, r.young = r.young, map[K]V{}
	}
	r.young[k] = v
}
