//go:build faults

package guard

import (
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// skew is how wrong the clock of this process is: USHER_CLOCK_SKEW, a duration with its sign.
var skew = sync.OnceValue(func() time.Duration {
	text := os.Getenv("USHER_CLOCK_SKEW")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic("USHER_CLOCK_SKEW: " + err.Error()) // the proof is wrong
	}
	return d
})

// Now is the clock of the waiting room in this process, which a proof may have set wrong.
func Now() time.Time { return time.Now().Add(skew()) }

// Off reports whether USHER_GUARDS_OFF, a comma-separated list, names the guard.
func Off(g Guard) bool {
	return slices.Contains(strings.Split(os.Getenv("USHER_GUARDS_OFF"), ","), string(g))
}
