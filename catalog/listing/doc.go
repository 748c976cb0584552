// Package listing reads events from files that were made for others: schema.org Event as JSON-LD, alone or in the HTML of a venue's page, and
// tables (CSV). It is pure: bytes become events, each understood or refused with a reason that says what to do. Package importer stores them.
//
// Such files are sloppy, and every rule here is about one of their habits. What a file says counts; what it does not say is looked up in
// catalog/data where there is only one answer (the zone of a city, the country of a point), or comes from Defaults; what cannot be known is
// refused. Nothing is guessed that would sell the wrong thing: an event has no seats and no price but those that somebody has named.
//
// # Rules
//
//   - Time. ISO 8601, with an offset or as a clock at the venue. Only a day: doors at its doorTime, else 20:00 at the venue. Without an end, or with
//     one that equals the start, an event takes its duration, else two and a half hours; an end that is a day ends at 23:00; one that lies less
//     than a day before the start is the next day's.
//   - Place. The country by code or by name in thirteen languages; missing, that of the city with the name near the point, then Defaults, then that of the
//     city's name where only one country has it. The zone of the cities around the point, of the city's name, or of the country, where they have
//     one only; of several the one that has the offset of the start, if only one has; then Defaults. A point at 0, 0 is no point.
//   - Price. Numbers, or text with signs, codes, decimal commas and ranges: "from $1,250.00", "25,50 €", "20–35". One separator before exactly three
//     digits parts thousands. Of several currencies the country's own counts, else the first. A bare "$", "¥" or "kr" is the country's.
//   - Performers. Each Person, group or text of performer and performers, the teams of a match; an event without is its own headliner. The first 50 count.
//   - Key. An absolute @id; else the identifier at its site; else url and start, for a run of evenings often has one page; else a digest of name, place and
//     start. The start is previousStartDate where there is one, so that a moved event stays the same event.
//   - Status. Cancelled, postponed without a new day, or moved online: refused, for there is nothing to sell.
//   - subEvent. An event whose parts have starts of their own is not sold itself, its parts are; they have from it what they lack, as from a superEvent.
//
// # Bounds
//
// A page has at most 16 MiB, a JSON-LD value and a row of a table 4 MiB; values are nested at most 64 deep; a value has at most 20,000 events.
// Names have 300 bytes, details 20,000: longer details are clipped, which is told. Streams are read value by value and row by row.
package listing
