//go:build faults

package guard

import (
	"os"
	"slices"
	"strings"
)

// Off reports whether USHER_GUARDS_OFF, a comma-separated list, names the guard.
func Off(g Guard) bool {
	return slices.Contains(strings.Split(os.Getenv("USHER_GUARDS_OFF"), ","), string(g))
}
