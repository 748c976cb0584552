// Package words is what every search engine does with texts alike: folding them, telling their words apart, and counting typos.
package words

import (
	_ "embed"
	"maps"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The rules are those that usher_fold goes by in the schema: Postgres' own.
//
//go:embed unaccent.rules
var rules string

// plain are the rules by their characters.
var plain = sync.OnceValue(func() map[rune]string {
	out := map[rune]string{}
	for line := range strings.Lines(rules) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		from, size := utf8.DecodeRuneInString(fields[0])
		if size != len(fields[0]) || len(fields) > 2 {
			continue
		}
		if out[from] = ""; len(fields) == 2 {
			out[from] = fields[1]
		}
	}
	return out
})

// Accents returns what stands for each character that has an accent or is a ligature or sign; "" for what is left out.
func Accents() map[rune]string { return maps.Clone(plain()) }

// Fold brings a text into the form that is compared: no case, no accents, words of letters and digits apart by single blanks. It is usher_fold of
// the schema, without the blanks at the ends.
func Fold(text string) string {
	var b strings.Builder
	gap := false
	add := func(r rune) {
		if r = unicode.ToLower(r); !letter(r) {
			gap = true
			return
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
	}
	accents := plain()
	for _, r := range text {
		if r < utf8.RuneSelf {
			add(r)
		} else if to, known := accents[r]; known {
			for _, r := range to {
				add(r)
			}
		} else {
			add(r)
		}
	}
	return b.String()
}

// letter reports whether a character is part of a word: Unicode's property Alphabetic, or a decimal digit.
func letter(r rune) bool {
	return unicode.IsLetter(r) || unicode.In(r, unicode.Nd, unicode.Nl, unicode.Other_Alphabetic)
}
