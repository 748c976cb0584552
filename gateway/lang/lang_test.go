package lang

import (
	"strings"
	"testing"
	"time"
)

func TestTheBestLanguageIsChosen(t *testing.T) {
	t.Parallel()
	f := func(accept, want string) {
		t.Helper()
		if got := Match(accept).Tag; got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
	f("", "en")
	f("de-CH, fr;q=0.8", "de")
	f("pt-BR", "pt")
	f("zh-CN,zh;q=0.9", "zh-Hans")
	f("iw", "he") // the old code of Hebrew
	f("cy, fr;q=0.5", "fr")
	f("xx", "en")
	f("*", "en")
	f("de;q=nonsense", "en")
	f(strings.Repeat("de,", 1000), "en")
}

func TestDurationsAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	l := English()
	f := func(d time.Duration, want string) {
		t.Helper()
		if got := l.Duration(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	f(0, "1 second")
	f(-time.Hour, "1 second")
	f(1500*time.Millisecond, "2 seconds")
	f(time.Minute, "1 minute")
	f(150*time.Second, "3 minutes")
	f(time.Hour, "1 hour")
	f(time.Hour+20*time.Minute, "1 hour 20 minutes")
	g := func(low, high time.Duration, want string) {
		t.Helper()
		if got := l.Between(low, high); got != want {
			t.Errorf("%s to %s: %q, want %q", low, high, got, want)
		}
	}
	g(3*time.Minute, 6*time.Minute, "between 3 minutes and 6 minutes")
	g(3*time.Minute, 3*time.Minute+10*time.Second, "about 3 minutes")
	g(0, 40*time.Second, "less than 40 seconds")
}

func TestMoneyAndNumbersFollowTheLanguage(t *testing.T) {
	t.Parallel()
	f := func(tag string, minor int64, code, want string) {
		t.Helper()
		l, ok := Find(tag)
		if !ok {
			t.Fatalf("no language %s", tag)
		}
		if got := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(l.Money(minor, code)); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
	f("en", 123456, "USD", "$1,234.56")
	f("de", 123456, "EUR", "1.234,56 €")
	f("ja", 1234, "JPY", "￥1,234")
	f("en", 1234, "KWD", "KWD 1.234")
	f("en", 5, "???", "5 ???")
	if got := English().N("unit.minute", 1200); got != "1,200 minutes" {
		t.Error(got)
	}
}
