package lang

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-playground/locales"
)

//go:embed words
var files embed.FS

// message is the text of one key, by plural category; a message without a count has only "other".
type message map[string]string

// UnmarshalJSON reads text, or an object of texts.
func (m *message) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*m = message{"other": s}
		return err
	}
	var forms map[string]string
	err := json.Unmarshal(b, &forms)
	*m = forms
	return err
}

// load reads all words of a language. The files are compiled in: a broken one fails every test at once.
func load(tag string) map[string]message {
	words := map[string]message{}
	names, err := fs.Glob(files, "words/"+tag+"/*.json")
	for _, name := range names {
		b, readErr := files.ReadFile(name)
		var part map[string]message
		if readErr != nil || json.Unmarshal(b, &part) != nil {
			panic("lang: " + name + " cannot be read")
		}
		for key, m := range part {
			if words[key] != nil {
				panic("lang: " + key + " stands twice in " + tag)
			}
			words[key] = m
		}
	}
	if err != nil {
		panic(err)
	}
	return words
}

// categories are the names of CLDR's plural categories in message files and in browsers.
var categories = map[locales.PluralRule]string{
	locales.PluralRuleZero: "zero", locales.PluralRuleOne: "one", locales.PluralRuleTwo: "two", locales.PluralRuleFew: "few",
	locales.PluralRuleMany: "many", locales.PluralRuleOther: "other",
}

// find returns a message; English where a language lacks it, and the key itself where that lacks it too, so that a page is never empty.
func (l *Lang) find(key string) message {
	if m := l.words[key]; m != nil {
		return m
	}
	if m := English().words[key]; m != nil {
		return m
	}
	return message{"other": key}
}

// T returns the message of a key. args are the placeholders' names and values in turn; whole numbers are written as the language writes them.
func (l *Lang) T(key string, args ...any) string { return l.fill(l.find(key)["other"], args) }

// N returns the message of a key for the count n, which is its placeholder {n}. args are as of T.
func (l *Lang) N(key string, n int, args ...any) string {
	m := l.find(key)
	text, ok := m[categories[l.locale.CardinalPluralRule(float64(n), 0)]]
	if !ok {
		text = m["other"]
	}
	return l.fill(text, append([]any{"n", n}, args...))
}

// Has reports whether there is a message of that key, in English if nowhere else.
func (l *Lang) Has(key string) bool { return English().words[key] != nil }

func (l *Lang) fill(text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, fmt.Sprint("{", args[i], "}"), l.value(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (l *Lang) value(v any) string {
	switch v := v.(type) {
	case int:
		return l.Number(int64(v))
	case int64:
		return l.Number(v)
	default:
		return fmt.Sprint(v)
	}
}

// Words returns the messages whose keys begin with one of the prefixes, for a page's script: text where there is one form, else an object by
// category, which a browser's Intl.PluralRules chooses from.
func (l *Lang) Words(prefixes ...string) map[string]any {
	out := map[string]any{}
	for key := range English().words {
		for _, prefix := range prefixes {
			if !strings.HasPrefix(key, prefix) {
				continue
			}
			if m := l.find(key); len(m) == 1 {
				out[key] = m["other"]
			} else {
				out[key] = map[string]string(m)
			}
		}
	}
	return out
}
