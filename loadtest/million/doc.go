// Package million measures one room with a million waiting visitors: one gateway process, one Redis and one Postgres carry them, and a client outside, over loopback,
// joins them as fast as it goes and then asks for their places as often as the server says. Every visitor has credentials of his own and sends them as a browser does.
// `make bench-million` runs it; `make test` runs the same with a few thousand and holds it to what must be true at any size:
//
//   - numbers are all different, without gaps, and in order of arrival, by connection and between connections;
//   - a visitor who joins a thousand times at once has one number;
//   - asking for a place costs Redis nothing, nor does asking too often, which is answered 429.
package million
