//go:build race

package main

// Under the race detector one crowd is enough: a run has one thread, and takes ten times as long.
const crowds = 1
