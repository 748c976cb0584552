package virtual

import (
	"fmt"
	"time"
)

// Invariant is what must hold in every world, in words that follow "it is not true that".
type Invariant string

// Broken is an invariant that did not hold.
type Broken struct {
	Invariant Invariant
	Seed      uint64
	At        time.Duration // since the world began
	What      string
}

func (b *Broken) Error() string {
	return fmt.Sprintf("seed %d, after %v: not true that %s: %s", b.Seed, b.At, b.Invariant, b.What)
}
