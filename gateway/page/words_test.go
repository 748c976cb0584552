package page

import (
	"os"
	"path/filepath"
	"regexp"
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
