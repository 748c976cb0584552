package lang

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestEveryLanguageSaysEverything holds every language to English: the same keys, the same placeholders, one text for each of its own plural
// categories, and the letters of its own script.
func TestEveryLanguageSaysEverything(t *testing.T) {
	t.Parallel()
	for _, l := range All()[1:] {
		for _, fault := range faults(l, English()) {
			t.Errorf("%s: %s", l.Tag, fault)
		}
	}
}

// The control: each kind of fault is found.
func TestFaultsOfALanguageAreFound(t *testing.T) {
	t.Parallel()
	source := &Lang{Tag: "en", locale: English().locale, words: map[string]message{
		"a": {"other": "go to {x}"}, "b": {"other": "stay"}, "c": {"one": "{n} seat", "other": "{n} seats"}, "d": {"other": "wait"},
	}}
	polish, _ := Find("pl")
	hebrew, _ := Find("he")
	f := func(l *Lang, words map[string]message, want string) {
		t.Helper()
		got := strings.Join(faults(&Lang{Tag: l.Tag, locale: l.locale, words: words}, source), "; ")
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%v: %q, want %q", words, got, want)
		}
	}
	good := func() map[string]message {
		return map[string]message{
			"a": {"other": "idź do {x}"}, "b": {"other": "zostań"}, "d": {"other": "czekaj"},
			"c": {"one": "{n} miejsce", "few": "{n} miejsca", "many": "{n} miejsc", "other": "{n} miejsca"},
		}
	}
	f(polish, good(), "")
	for want, spoil := range map[string]func(map[string]message){
		"b is missing":            func(w map[string]message) { delete(w, "b") },
		"x is not English":        func(w map[string]message) { w["x"] = message{"other": "x"} },
		"a (other): placeholders": func(w map[string]message) { w["a"] = message{"other": "idź do {y}"} },
		"c: no form few":          func(w map[string]message) { delete(w["c"], "few") },
		"c: form two":             func(w map[string]message) { w["c"]["two"] = "{n} miejsca" },
		"b (other): is empty":     func(w map[string]message) { w["b"] = message{"other": " "} },
	} {
		words := good()
		spoil(words)
		f(polish, words, want)
	}
	f(hebrew, map[string]message{"b": {"other": "stay"}}, "b (other): no letter of its script")
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

// scripts are the writing systems of the languages that are not written in Latin letters.
var scripts = map[string][]*unicode.RangeTable{
	"ar": {unicode.Arabic}, "he": {unicode.Hebrew}, "hi": {unicode.Devanagari}, "zh-Hans": {unicode.Han}, "ko": {unicode.Hangul},
	"ja": {unicode.Han, unicode.Hiragana, unicode.Katakana},
}

// faults are what is wrong with the words of a language, measured against the source.
func faults(l, source *Lang) (out []string) {
	for key := range l.words {
		if source.words[key] == nil {
			out = append(out, key+" is not English")
		}
	}
	var forms []string
	for _, rule := range l.locale.PluralsCardinal() {
		forms = append(forms, categories[rule])
	}
	for key, original := range source.words {
		m := l.words[key]
		if m == nil {
			out = append(out, key+" is missing")
			continue
		}
		want := []string{"other"}
		if len(original) > 1 {
			want = forms
		}
		out = append(out, formFaults(key, m, want)...)
		for form, text := range m {
			if fault := l.textFault(original["other"], text); fault != "" {
				out = append(out, fmt.Sprintf("%s (%s): %s", key, form, fault))
			}
		}
	}
	slices.Sort(out)
	return out
}

func formFaults(key string, m message, want []string) (out []string) {
	for _, form := range want {
		if m[form] == "" {
			out = append(out, key+": no form "+form)
		}
	}
	for form := range m {
		if !slices.Contains(want, form) {
			out = append(out, key+": form "+form+" is not one of the language's")
		}
	}
	return out
}

// textFault is what is wrong with one text. A plural form may leave out the number: "one seat".
func (l *Lang) textFault(original, text string) string {
	if strings.TrimSpace(text) == "" {
		return "is empty"
	}
	drop := func(s string) bool { return s == "{n}" }
	want := slices.DeleteFunc(placeholder.FindAllString(original, -1), drop)
	got := slices.DeleteFunc(placeholder.FindAllString(text, -1), drop)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fmt.Sprintf("placeholders %v, want %v", got, want)
	}
	letters := placeholder.ReplaceAllString(original, "")
	if tables := scripts[l.Tag]; tables != nil && strings.ContainsFunc(letters, unicode.IsLetter) && original != "Usher" {
		if !strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, tables...) }) {
			return "no letter of its script"
		}
	}
	return ""
}
