package page

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"usher/gateway/lang"
)

// sources are the files that use words: templates, scripts, and the handlers beside this package.
func sources(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.html", "*.js", "../*.go", "../lang/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = string(b)
		}
	}
	return out
}

var (
	used   = regexp.MustCompile(`\.[TN] ?\(?"([^"]+)"`)
	family = regexp.MustCompile(`"([a-z]+(?:\.[a-z_]+)*\.)"`) // the beginning of keys that are put together
)

func TestEveryWordThatIsUsedExists(t *testing.T) {
	t.Parallel()
	count := 0
	for name, text := range sources(t) {
		for _, m := range used.FindAllStringSubmatch(text, -1) {
			if count++; !strings.HasSuffix(m[1], ".") && !lang.English().Has(m[1]) {
				t.Errorf("%s uses %q, which has no words", name, m[1])
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d uses of words were found: the pattern has lost them", count)
	}
	if lang.English().Has("site.no.such.word") { // the control
		t.Error("every key exists")
	}
}

func TestEveryWordIsUsed(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	families := map[string]bool{}
	for _, text := range sources(t) {
		all.WriteString(text)
		for _, m := range family.FindAllStringSubmatch(text, -1) {
			families[m[1]] = true
		}
	}
	text := all.String()
	for key := range lang.English().Words("") {
		if strings.Contains(text, `"`+key+`"`) {
			continue
		}
		found := false
		for f := range families {
			found = found || strings.HasPrefix(key, f) && f != "site."
		}
		if !found {
			t.Errorf("nothing says %q", key)
		}
	}
}

var (
	carried = regexp.MustCompile(`\$\.Words ((?:"[^"]*" ?)+)`)
	quoted  = regexp.MustCompile(`"([^"]*)"`)
	spoken  = regexp.MustCompile(`\b(?:say|t)\(([^()]*?"[a-z]+\.[a-z_.]+"[^()]*)`)
	aKey    = regexp.MustCompile(`"([a-z]+(?:\.[a-z_]+)+\.?)"`)
)

// unsaid returns the keys that a script says and its page does not carry.
func unsaid(page, script string) (out []string) {
	var prefixes []string
	if m := carried.FindStringSubmatch(page); m != nil {
		for _, q := range quoted.FindAllStringSubmatch(m[1], -1) {
			prefixes = append(prefixes, q[1])
		}
	}
	for _, call := range spoken.FindAllStringSubmatch(script, -1) {
		for _, key := range aKey.FindAllStringSubmatch(call[1], -1) {
			if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key[1], p) }) {
				out = append(out, key[1])
			}
		}
	}
	return out
}

// TestAPageCarriesTheWordsOfItsScript: a script that has no word for what it says stops.
func TestAPageCarriesTheWordsOfItsScript(t *testing.T) {
	t.Parallel()
	all, keys := sources(t), 0
	for name, script := range all {
		html, isScript := strings.CutSuffix(name, ".js")
		page, has := all[html+".html"]
		if !isScript || !has || !carried.MatchString(page) {
			continue
		}
		for _, key := range unsaid(page, script) {
			t.Errorf("%s says %q, which %s.html does not carry", name, key, html)
		}
		keys += len(spoken.FindAllString(script, -1))
	}
	if keys < 20 {
		t.Errorf("only %d words of scripts were found: the pattern has lost them", keys)
	}
	// the control
	if got := unsaid(`{{$.Words "a.js." "unit."}}`, `say("a.js.x"); say(y ? "unit.z" : "b.gone", {n: 1}); t("c." + x)`); !slices.Equal(got, []string{"b.gone"}) {
		t.Errorf("found %q", got)
	}
}
