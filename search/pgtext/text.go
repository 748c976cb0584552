package pgtext

import (
	"slices"
	"strings"
	"unicode"
)

const (
	maxWords  = 16
	maxLength = 64 // runes of a word: that of a lexeme in event_search
	maxFixes  = 5  // known words in the place of a mistyped one
)

// connecting words of some languages need not be found beside others: nobody means them, and "Owls at the Lantern" is no event's text.
var connecting = map[string]bool{
	"the": true, "a": true, "an": true, "and": true, "at": true, "in": true, "of": true, "on": true, "de": true, "da": true, "do": true, "la": true, "le": true,
	"el": true, "der": true, "die": true, "das": true, "und": true, "et": true, "y": true, "e": true,
}

// term is a word of a text, or a run of Chinese or Japanese characters, which must follow each other.
type term struct {
	word  string   // folded
	chars []string // of a run; empty for a word
	fixes []string // known words that it may be a typo of
}

// terms splits folded text into what an event must have.
func terms(folded string) (out []term) {
	for _, word := range strings.Fields(folded) {
		for word != "" && len(out) < maxWords {
			cut := strings.IndexFunc(word, unspaced)
			switch {
			case cut < 0:
				out, word = append(out, term{word: clip(word)}), ""
			case cut > 0:
				out, word = append(out, term{word: clip(word[:cut])}), word[cut:]
			default:
				end := strings.IndexFunc(word, func(r rune) bool { return !unspaced(r) })
				if end < 0 {
					end = len(word)
				}
				run := clip(word[:end])
				out, word = append(out, term{word: run, chars: strings.Split(run, "")}), word[end:]
			}
		}
	}
	if slices.ContainsFunc(out, func(t term) bool { return !connecting[t.word] }) {
		out = slices.DeleteFunc(out, func(t term) bool { return connecting[t.word] })
	}
	return out
}

// unspaced reports whether a character belongs to a script without blanks, as usher_words in the schema has it.
func unspaced(r rune) bool {
	return r >= 0x3040 && r <= 0x30ff || r >= 0x3400 && r <= 0x4dbf || r >= 0x4e00 && r <= 0x9fff || r >= 0xf900 && r <= 0xfaff
}

func clip(word string) string {
	if r := []rune(word); len(r) > maxLength {
		return string(r[:maxLength])
	}
	return word
}

// edits is how many typos a word may have.
func (t term) edits() int {
	n := len([]rune(t.word))
	switch {
	case len(t.chars) > 0 || n < 4 || strings.ContainsFunc(t.word, unicode.IsDigit):
		return 0
	case n < 8:
		return 1
	default:
		return 2
	}
}

// spelling is how words are written in a tsquery. Folded words are letters and digits only, so the quotes are safe.
type spelling struct {
	label string // the part of the document that counts; empty: all
	open  bool   // the last word may be unfinished
	week  string // that words are marked with, as usher_weekly does: such a query has no places and labels, so it finds too much
}

// all writes the terms.
func (s spelling) all(list []term) string {
	var all []string
	for i, t := range list {
		alternatives := []string{s.lexeme(t.word, s.open && i == len(list)-1)}
		if len(t.chars) > 0 {
			alternatives[0] = s.phrase(t.chars)
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
	if s.week != "" {
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

// parts splits folded text into the lexemes of a document.
func parts(folded string) (out []string) {
	for _, word := range strings.Fields(folded) {
		for _, t := range terms(word) {
			if len(t.chars) > 0 {
				out = append(out, t.chars...)
			} else {
				out = append(out, t.word)
			}
		}
	}
	return out
}
