package command

import (
	"crypto/sha256"

	"usher/internal/id"
)

// SettleKey is the id of the command that settles an attempt: whoever appends it, and however often, it is one command,
// and whoever waits for the attempt's end knows what to wait for.
func SettleKey(attempt id.Key) id.Key { return derived("settle", attempt) }

// AttemptKey is the id of the attempt that a BeginPayment command creates.
func AttemptKey(begin id.Key) id.Key { return derived("attempt", begin) }

func derived(what string, from id.Key) (k id.Key) {
	h := sha256.Sum256(append([]byte(what+"\x00"), from[:]...))
	copy(k[:], h[:])
	return k
}
