// Package lang holds the words of the pages and how each language writes numbers, money, times and durations.
//
// The words of a language are the JSON files of words/<tag>/, a file a page, so that a page and its words are changed together. A message is
// text with {placeholders}, or an object with one text for each plural category of the language (Unicode CLDR). English is complete by
// definition; a test holds every other language to the same keys, placeholders and its own plural categories.
package lang

import (
	"github.com/bojanz/currency"
	"github.com/go-playground/locales"
	"github.com/go-playground/locales/ar"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/he"
	"github.com/go-playground/locales/hi"
	"github.com/go-playground/locales/it"
	"github.com/go-playground/locales/ja"
	"github.com/go-playground/locales/ko"
	"github.com/go-playground/locales/nl"
	"github.com/go-playground/locales/pl"
	"github.com/go-playground/locales/pt"
	"github.com/go-playground/locales/tr"
	"github.com/go-playground/locales/zh"
	"golang.org/x/text/language"
)

// Lang is one language. It is immutable and safe for concurrent use.
type Lang struct {
	Tag    string // BCP 47, the value of the lang attribute: "en", "zh-Hans"
	Dir    string // "ltr" or "rtl"
	Name   string // as its speakers write it
	locale locales.Translator
	money  *currency.Formatter
	words  map[string]message
}

// all is every language, English first: it is what those get whose languages we do not speak.
var all = []*Lang{
	newLang("en", "ltr", "English", en.New()),
	newLang("es", "ltr", "Español", es.New()),
	newLang("fr", "ltr", "Français", fr.New()),
	newLang("de", "ltr", "Deutsch", de.New()),
	newLang("pt", "ltr", "Português", pt.New()),
	newLang("it", "ltr", "Italiano", it.New()),
	newLang("nl", "ltr", "Nederlands", nl.New()),
	newLang("pl", "ltr", "Polski", pl.New()),
	newLang("tr", "ltr", "Türkçe", tr.New()),
	newLang("ar", "rtl", "العربية", ar.New()),
	newLang("he", "rtl", "עברית", he.New()),
	newLang("hi", "ltr", "हिन्दी", hi.New()),
	newLang("zh-Hans", "ltr", "简体中文", zh.New()),
	newLang("ja", "ltr", "日本語", ja.New()),
	newLang("ko", "ltr", "한국어", ko.New()),
}

func newLang(tag, dir, name string, locale locales.Translator) *Lang {
	l := &Lang{Tag: tag, Dir: dir, Name: name, locale: locale, money: currency.NewFormatter(currency.NewLocale(tag))}
	l.words = load(tag)
	return l
}

// All returns every language, English first. Callers must not change the slice.
func All() []*Lang { return all }

// English is the language of last resort.
func English() *Lang { return all[0] }

// Find returns the language with the tag; ok is false for one that we do not speak.
func Find(tag string) (l *Lang, ok bool) {
	for _, l := range all {
		if l.Tag == tag {
			return l, true
		}
	}
	return nil, false
}

var matcher = language.NewMatcher(tags())

func tags() (out []language.Tag) {
	for _, l := range all {
		out = append(out, language.MustParse(l.Tag))
	}
	return out
}

// maxAccept bounds how much of an Accept-Language header is looked at, in bytes: browsers send fewer than 100.
const maxAccept = 256

// Match returns the language that serves an Accept-Language header best: English when none does, or when the header is hostile.
func Match(accept string) *Lang {
	if len(accept) > maxAccept {
		return English()
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return English()
	}
	_, i, confidence := matcher.Match(wanted...)
	if confidence == language.No {
		return English()
	}
	return all[i]
}
