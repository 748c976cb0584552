package generate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"usher/catalog/data"
)

// words are what the names of a language are made of: lists, and patterns such as "The {adj} {noun}", by member.
type words map[string][]string

// readWords reads catalog/data/words: lines of "member: text | text | text".
func readWords(language string) (words, error) {
	b, err := data.Files.ReadFile("words/" + language + ".txt")
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	w := words{}
	for line := range strings.Lines(string(b)) {
		member, list, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			return nil, fmt.Errorf("words %s: %.60q has no member", language, line)
		}
		w[member] = strings.Split(list, " | ")
	}
	for member, usual := range map[string]string{"person": "{given} {surname}", "comedy": "{person}", "talk": "{person}"} {
		if w[member] == nil {
			w[member] = []string{usual}
		}
	}
	if w["places"] == nil {
		w["places"] = w["nouns"]
	}
	return w, nil
}

// lists says from which list a placeholder is filled.
var lists = map[string]string{
	"given": "given", "given2": "given", "surname": "surname", "surname2": "surname", "noun": "nouns", "noun2": "nouns", "adj": "adj",
	"place": "places", "place2": "places", "person": "person",
}

// fill picks one pattern of a member and fills it in. known are placeholders with a given text; what stands twice is the same text, and
// noun and noun2 differ.
func (w words) fill(rng *rand.Rand, member string, known map[string]string) string {
	had := maps.Clone(known)
	if had == nil {
		had = map[string]string{}
	}
	return w.expand(rng, w.pick(rng, member, ""), had)
}

func (w words) expand(rng *rand.Rand, pattern string, had map[string]string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, _ := strings.Cut(rest, "}")
		text, ok := had[name]
		if !ok {
			text = w.expand(rng, w.pick(rng, lists[name], had[strings.TrimSuffix(name, "2")]), had)
			had[name] = text
		}
		b.WriteString(text)
		pattern = after
	}
}

// pick takes one text of a list that is not the given one.
func (w words) pick(rng *rand.Rand, member, not string) string {
	list := w[member]
	i := rng.IntN(len(list))
	if list[i] == not {
		i = (i + 1) % len(list)
	}
	return list[i]
}

// vocabularies reads the words of all languages that the cities use.
func vocabularies(cities []city) (map[string]words, error) {
	languages := map[string]bool{}
	for _, c := range cities {
		for _, l := range c.words {
			languages[l] = true
		}
	}
	out := map[string]words{}
	for _, l := range slices.Sorted(maps.Keys(languages)) {
		w, err := readWords(l)
		if err != nil {
			return nil, err
		}
		out[l] = w
	}
	return out, nil
}
