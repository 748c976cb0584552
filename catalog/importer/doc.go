// Package importer reads venues, seatings, performers and events from files into Postgres: `usher import`.
//
// An import is idempotent by external id: what is the same is left alone, what has changed is changed and told to the world, and tickets
// that exist are never touched. A bad record is reported with file, line and reason, and the rest goes on. Memory is bounded: files are
// streamed, and tickets are made by two workers as fast as Postgres takes them.
//
// # JSON Lines
//
// Our own format (*.jsonl, *.ndjson) is one JSON object a line; unknown members are refused. What a record names must stand before it,
// or have been imported earlier.
//
//	{"type": "venue", "id": "the-lantern", "name": "The Lantern", "city": "Toronto", "country": "CA", "time_zone": "America/Toronto",
//	 "latitude": 43.65, "longitude": -79.38, "location": "Toronto, Canada", "capacity": 500}
//	{"type": "layout", "id": "the-lantern/standing", "venue": "the-lantern", "sections": [
//	 {"name": "Floor", "level": "A", "rows": [{"name": "A", "seats": 20, "accessible": true}]}]}
//	{"type": "performer", "id": "copper-owls", "name": "The Copper Owls"}
//	{"type": "event", "id": "copper-owls-1", "name": "The Copper Owls: Slow Trains", "venue": "the-lantern", "layout": "the-lantern/standing",
//	 "performers": ["copper-owls"], "start_time": "2027-02-01T20:00:00", "end_time": "2027-02-01T22:30:00", "currency": "CAD",
//	 "prices": {"A": 6500}, "category": "concert", "details": "…", "image": "pictures/owls.jpg", "on_sale": true}
//
// An id is 1 to 200 bytes of any text, unique among the records of its type. A seating comes as sections, the best first, or as a
// capacity, for which a plausible one is generated (levels A to C, beyond 5,000 seats A to D). A venue may bring its default seating;
// events that name no layout have it. The first performer is the headliner. Times are RFC 3339, or without a zone a clock at the venue;
// without end_time an event takes two and a half hours. Prices are in minor units, one for each level of the seating. on_sale makes the
// tickets at import. location, latitude, longitude, layout, end_time, category, details, image, image_url and on_sale may be missing.
//
// image is a picture: the path of a JPEG, PNG, GIF or WebP file, relative to the folder of this one and below it, or data:image/jpeg;base64,…
// Packages images and intake say what becomes of it. Pictures are never fetched. image_url is the address of a picture elsewhere: it is told to
// others, and our own pages do not load it.
//
// # Pages, JSON-LD and tables
//
// What others have written is read by package listing and comes with venue, seating and performers in each event: see there for formats and rules, and
// docs/importing.md for those who use them. Seats are generated from their number; an event without one is refused unless there is a default.
//
// # openfootball
//
// A file of matches (worldcup.json) beside its file of stadiums (worldcup.stadiums.json), or the folder of both. Stadium seatings are
// generated from their capacity; zones and prices come from catalog/data. Matches are not on sale unless tickets are asked for.
package importer
