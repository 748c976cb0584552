// Package catalog answers what an event is and how its seats stand. Reads outnumber writes a hundred times, so a view is rendered
// once per change and served to everybody from memory.
//
//	static facts   Postgres ──▶ memory, looked at again every second
//	seat state     Redis map ──▶ memory, asked for its version every 0.3 s; Postgres when Redis is away
//	body           rendered on change, with a strong ETag
//	feed           what has changed since a version, for streams
//
// # Promises
//
// A view is at most a second old, on every gateway, and says so when it is older. A thousand callers that miss at once load once. Memory
// is bounded by bytes; what was not asked for lately goes first. The version of the seats never goes back on one gateway, and one version
// means the same seats on all of them, but for holds that end by themselves.
//
// # When something fails
//
// Redis away: seat state comes from Postgres. Both away: the last view is served with its age. Nothing of a sale is decided here, so
// nothing is lost when all of it stands still.
package catalog
