// Package indexer keeps an index outside of Postgres equal to what Postgres says. Changes of the catalog come over the log and say only which
// event has changed; its document is read from Postgres and put with a version that rises with each change, so that repeats, other orders and
// two indexers at once do no harm.
//
//	catalog.events ─▶ readers ─▶ which events ─▶ documents (Postgres) ─▶ Put ─▶ how far the index is (Postgres) ─▶ Refresh
//
// How far an index has come in the log is noted for each index by its name, after the documents are in it. So an index that is built anew has a
// place of its own, from before its first document was read; whoever follows it from there misses nothing, and switching from one to another
// or back needs no agreement between processes.
//
// Nothing is lost: while the index or Postgres is away, the indexer tries again, ever more slowly, and the log waits. When the log itself does
// not hold what an index lacks, or nobody knows how far an index has come, or there is none, it is built anew. What cannot be indexed is set
// aside and stops nothing.
package indexer
