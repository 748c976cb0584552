// Package searches measures search at the size that it is built for: a generated catalog in Postgres and, where there is one, in Elasticsearch, and searches of every
// shape that arrive at a fixed rate. `make bench-search` runs it.
package searches
