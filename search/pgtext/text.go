package pgtext

import (
	"strings"

	"usher/search/words"
)

const maxFixes = 5 // known words in the place of a mistyped one

// term is a word of a text.
type term struct {
	words.Word
	fixes []string // known words that it may be a typo of
}

// terms splits folded text into what an event must have.
func terms(folded string) (out []term) {
	for _, w := range words.Split(folded) {
		out = append(out, term{Word: w})
	}
	return out
}

// spelling is how words are written in a tsquery. Folded words are letters and digits only, so the quotes are safe.
type spelling struct {
	label string // the part of the document that counts; empty: all
	open  bool   // the last word may be unfinished
	week  string // that words are marked with, as usher_weekly does: such a query has no places and labels, so it finds too much
	apart bool   // words need not follow each other
}

// all writes the terms.
func (s spelling) all(list []term) string {
	var all []string
	for i, t := range list {
		alternatives := []string{s.lexeme(t.Text, s.open && i == len(list)-1)}
		if len(t.Chars) > 0 {
			alternatives[0] = s.phrase(t.Chars)
		}
		for _, fix := range t.fixes {
			alternatives = append(alternatives, s.lexeme(fix, false))
		}
		all = append(all, "("+strings.Join(alternatives, " | ")+")")
	}
	return strings.Join(all, " & ")
}

// phrase writes words that follow each other.
func (s spelling) phrase(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, s.lexeme(w, false))
	}
	next := " <-> "
	if s.week != "" || s.apart {
		next = " & "
	}
	return "(" + strings.Join(all, next) + ")"
}

func (s spelling) lexeme(word string, open bool) string {
	after := ""
	if s.week == "" {
		after = s.label
	}
	if open {
		after += "*"
	}
	if after != "" {
		after = ":" + after
	}
	return "'" + s.week + word + "'" + after
}
