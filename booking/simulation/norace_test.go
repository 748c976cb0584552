//go:build !race

package simulation

const worlds = 1000
