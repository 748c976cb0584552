//go:build !race

package simulation

const (
	racing = false
	worlds = 1000
)
