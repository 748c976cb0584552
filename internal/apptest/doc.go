// Package apptest holds the whole-system proofs: they build the binary, run real processes of it against real
// stores, and talk to them over HTTP as strangers do. Each proof has a control: the same run with a guard off, in
// a binary built with the tag "faults", must show the damage.
package apptest
