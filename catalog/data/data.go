// Package data holds the data that ships with Usher.
//
//	worldcup-2026/   matches and stadiums of openfootball (github.com/openfootball, CC0 1.0, see its LICENSE.md), as they are
//	tournament.json  what those files lack: the IANA zone of each city, and prices by round and level in US dollars
//	money.json       currencies: minor units for a dollar, roughly, and the step that prices are rounded to
//	cities/          two thousand cities of GeoNames (CC BY 4.0, see its LICENSE.md), reduced, with the language of their names
//	words/           what names of acts, venues and tours are made of, one file a language: member: text | text …
//	demo/            venues in real cities, acts that do not exist, the part of the final that is on sale, and its waiting room
package data

import "embed"

// Files are all files below this folder.
//
//go:embed worldcup-2026 demo tournament.json money.json cities words
var Files embed.FS
