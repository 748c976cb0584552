//go:build !race

package main

const crowds = 3
