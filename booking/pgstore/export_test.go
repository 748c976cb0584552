package pgstore

import "usher/internal/guard"

// SwitchOff switches guards off for a negative control.
func (s *Store) SwitchOff(guards ...guard.Guard) {
	s.switched = map[guard.Guard]bool{}
	for _, g := range guards {
		s.switched[g] = true
	}
}
