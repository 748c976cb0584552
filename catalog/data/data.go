// Package data holds the data that ships with Usher.
//
//	worldcup-2026/   matches and stadiums of openfootball (github.com/openfootball, CC0 1.0, see its LICENSE.md), as they are
//	tournament.json  what those files lack: the IANA zone of each city, and prices by round and level in US dollars
//	money.json       currencies: minor units for a dollar, roughly, and the step that prices are rounded to
//	cities/          two thousand cities of GeoNames (CC BY 4.0, see its LICENSE.md), reduced, with the language of their names
//	words/           what names of acts, venues and tours are made of, one file a language: member: text | text …
//	demo/            venues in real cities, acts that do not exist, the part of the final that is on sale, and its waiting room
package data

import (
	"embed"
	"fmt"
	"strings"
)

// Files are all files below this folder.
//
//go:embed worldcup-2026 demo tournament.json money.json cities words
var Files embed.FS

// Rows reads a table of Files whose cells are apart by tabs; lines that begin with # are remarks. An error names the line.
func Rows(name string, columns int, do func(cells []string) error) error {
	b, err := Files.ReadFile(name)
	if err != nil {
		return err
	}
	at := 0
	for line := range strings.Lines(string(b)) {
		at++
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cells) != columns {
			return fmt.Errorf("%s, line %d: %d columns, want %d", name, at, len(cells), columns)
		}
		if err := do(cells); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, at, err)
		}
	}
	return nil
}
