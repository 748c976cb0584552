//go:build race

package simulation

// Under the race detector worlds are fewer: they have one thread each, and take ten times as long.
const worlds = 20
