package booking

import (
	"errors"
	"strings"
	"testing"
)

func TestWhoCanBuy(t *testing.T) {
	t.Parallel()
	f := func(name, email string, want Buyer, faults ...error) {
		t.Helper()
		got, err := NewBuyer(name, email)
		if got != want {
			t.Errorf("%.40q, %.40q: %+v, want %+v", name, email, got, want)
		}
		for _, fault := range []error{ErrBuyerName, ErrBuyerEmail} {
			wanted := false
			for _, w := range faults {
				wanted = wanted || w == fault
			}
			if errors.Is(err, fault) != wanted {
				t.Errorf("%.40q, %.40q: %v", name, email, err)
			}
		}
	}
	f(" Ada Lovelace ", " ada@example.org ", Buyer{"Ada Lovelace", "ada@example.org"})
	f("李", "李@例子.公司", Buyer{"李", "李@例子.公司"})
	f("O'Brien <3", "o'brien+tickets@mail.example.co.uk", Buyer{"O'Brien <3", "o'brien+tickets@mail.example.co.uk"})
	f(strings.Repeat("é", 100), "a@b.c", Buyer{strings.Repeat("é", 100), "a@b.c"})
	f(strings.Repeat("é", 101), "a@b.c", Buyer{Email: "a@b.c"}, ErrBuyerName)
	for _, name := range []string{"", " ", "a\nb", "a\x00", "\xff", "a\u202eb"} {
		f(name, "a@b.c", Buyer{Email: "a@b.c"}, ErrBuyerName)
	}
	for _, email := range []string{
		"", "ada", "@", "ada@", "@example.org", "ada@example", "ada@@example.org", "a b@example.org", "ada@exa mple.org", "Ada <ada@example.org>",
		"ada@example.org, bob@example.org", "ada@example.org\r\nBcc: all@example.org", "ada@.org", "ada@example.org.", "ada@ex..org", "ada@[127.0.0.1]",
		strings.Repeat("a", 251) + "@b.c",
	} {
		f("Ada", email, Buyer{Name: "Ada"}, ErrBuyerEmail)
	}
	f("", "", Buyer{}, ErrBuyerName, ErrBuyerEmail)
}
