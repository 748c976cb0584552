// Package hold keeps the seat map of each event in Redis: which seats are free, and who holds them until when. One
// structure per event, under one hash tag, carries both, and one script decides each call. It makes losing cheap;
// what it says is a courtesy, never the truth about who owns a seat. prelude.lua describes the structure.
//
// A map that is missing, or that was loaded into another Redis, answers ErrLost until Load has filled it from Postgres. All
// times are those of Redis and are compared in the scripts; key expiry only cleans up. Every change raises the version.
//
// Each script costs what the seats that it is asked about cost, not what the event has; only Snapshot and Load carry the
// whole map, as one string.
package hold
