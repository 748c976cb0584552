package words

import (
	"slices"
	"strings"
	"unicode"
)

const (
	maxWords  = 16
	maxLength = 64 // runes of a word
	maxKnown  = 40 // runes of a word that others may be typos of: search_words has no longer ones
)

// connecting words of some languages need not be found beside others: nobody means them, and "Owls at the Lantern" is no event's text.
var connecting = map[string]bool{
	"the": true, "a": true, "an": true, "and": true, "at": true, "in": true, "of": true, "on": true, "de": true, "da": true, "do": true, "la": true, "le": true,
	"el": true, "der": true, "die": true, "das": true, "und": true, "et": true, "y": true, "e": true,
}

// Word is a word of a text, or a run of Chinese or Japanese characters, which must follow each other.
type Word struct {
	Text  string   // folded
	Chars []string // of a run; empty for a word
}

// Split splits folded text into what an event must have: its first 16 words, without connecting ones beside others.
func Split(folded string) (out []Word) {
	for _, word := range strings.Fields(folded) {
		for word != "" && len(out) < maxWords {
			cut := strings.IndexFunc(word, unspaced)
			switch {
			case cut < 0:
				out, word = append(out, Word{Text: clip(word)}), ""
			case cut > 0:
				out, word = append(out, Word{Text: clip(word[:cut])}), word[cut:]
			default:
				end := strings.IndexFunc(word, func(r rune) bool { return !unspaced(r) })
				if end < 0 {
					end = len(word)
				}
				run := clip(word[:end])
				out, word = append(out, Word{run, strings.Split(run, "")}), word[end:]
			}
		}
	}
	if slices.ContainsFunc(out, func(w Word) bool { return !connecting[w.Text] }) {
		out = slices.DeleteFunc(out, func(w Word) bool { return connecting[w.Text] })
	}
	return out
}

// Parts splits folded text into all that documents have of it, one after the other: whole words, and single Chinese and Japanese characters.
func Parts(folded string) (out []string) {
	for _, word := range strings.Fields(folded) {
		for _, w := range Split(word) {
			if len(w.Chars) > 0 {
				out = append(out, w.Chars...)
			} else {
				out = append(out, w.Text)
			}
		}
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

// Edits is how many typos a word may have: one edit for 4 to 7 letters, two for more; none with digits, in Chinese or Japanese, and where no word is as long.
func (w Word) Edits() int {
	n := len([]rune(w.Text))
	switch {
	case len(w.Chars) > 0 || n < 4 || n > maxKnown+2 || strings.ContainsFunc(w.Text, unicode.IsDigit):
		return 0
	case n < 8:
		return 1
	default:
		return 2
	}
}

// Distance is the number of edits between two words: a letter more, less or another, or two neighbours exchanged (optimal string alignment).
func Distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(last[j]+change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
