package problem

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheTableIsInOrderAndEveryRowIsComplete(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(kinds, func(a, b Kind) int { return strings.Compare(a.Slug, b.Slug) }) {
		t.Error("the table is not in the order of slugs, which Find needs")
	}
	slug := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for i, k := range Kinds() {
		if i > 0 && k.Slug == kinds[i-1].Slug {
			t.Errorf("%s stands twice", k.Slug)
		}
		if !slug.MatchString(k.Slug) || k.Status < 400 || k.Status > 599 || k.Title == "" || !strings.HasSuffix(k.Advice, ".") {
			t.Errorf("%+v", k)
		}
		if found, ok := Find(k.Slug); !ok || found != k {
			t.Errorf("%s is not found", k.Slug)
		}
	}
}

func TestWhatIsNotRegisteredIsAFaultOfOurs(t *testing.T) {
	t.Parallel()
	if _, ok := Find("cake"); ok {
		t.Error("cake is a problem")
	}
	if p := New("cake", "none left"); p.Slug != "internal" || p.Status != 500 {
		t.Errorf("got %+v", p)
	}
}

func TestFaultsAreNamedOneByOne(t *testing.T) {
	t.Parallel()
	p := Invalid(Field{"a", "too long"}, Field{"b", "missing"})
	if p.Slug != "invalid-request" || len(p.Errors) != 2 || p.Detail != "a: too long; b: missing" || p.Error() != "invalid-request: a: too long; b: missing" {
		t.Errorf("got %+v", p)
	}
}
