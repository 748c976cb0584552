// Package pgstore is the booking core's Postgres: the truth. Every statement is a file in query/, every promise a
// constraint in migrations/. Nothing here decides; it reads what is and writes what was decided.
package pgstore
