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
	f("محمد\u200cرضا", "ada@ünïcode.example", Buyer{"محمد\u200cرضا", "ada@ünïcode.example"})
	f("Jean\u00a0Luc", "a@b.c", Buyer{"Jean\u00a0Luc", "a@b.c"})
	f("x\u0301", strings.Repeat("a", 250)+"@b.c", Buyer{"x\u0301", strings.Repeat("a", 250) + "@b.c"})
	for _, name := range []string{"", " ", "\u3000", "a\nb", "a\x00", "\xff", "a\u202eb", "a\u2028b", "\u200b", "\u200d", "\ufeff", "a\ue000", "a\u0085b", "\u2067"} {
		f(name, "a@b.c", Buyer{Email: "a@b.c"}, ErrBuyerName)
	}
	for _, email := range []string{
		"", "ada", "@", "ada@", "@example.org", "ada@example", "ada@@example.org", "a b@example.org", "ada@exa mple.org", "Ada <ada@example.org>",
		"ada@example.org, bob@example.org", "ada@example.org\r\nBcc: all@example.org", "ada@.org", "ada@example.org.", "ada@ex..org", "ada@[127.0.0.1]",
		strings.Repeat("a", 251) + "@b.c", "<ada@example.org>", "ada@example.org (Ada)", `"ada"@example.org`, "a\u00a0b@example.org", "ada\u200b@example.org",
		"ada\u202e@example.org", "ada@exam\u200dple.org", "ada@example.org\x00", "ada\t@example.org", "\xff@example.org", "mailto:ada@example.org", "ada@example.org?cc=x",
	} {
		f("Ada", email, Buyer{Name: "Ada"}, ErrBuyerEmail)
	}
	f("", "", Buyer{}, ErrBuyerName, ErrBuyerEmail)
}

func FuzzNewBuyer(f *testing.F) {
	f.Add("Ada", "ada@example.org")
	f.Add("محمد\u200cرضا", "李@例子.公司")
	f.Add("a\u202eb", "ada@example.org\r\nBcc: all@example.org")
	f.Fuzz(func(t *testing.T, name, email string) {
		b, err := NewBuyer(name, email)
		if errors.Is(err, ErrBuyerName) != (b.Name == "") || errors.Is(err, ErrBuyerEmail) != (b.Email == "") {
			t.Fatalf("%+v, %v", b, err)
		}
		if len(b.Email) > maxBuyerEmail || strings.ContainsAny(b.Name+b.Email, "\r\n\x00\u202e") || strings.ContainsAny(b.Email, " <>(),;\t") {
			t.Fatalf("taken: %+q", b)
		}
		if again, err := NewBuyer(b.Name, b.Email); b.Name != "" && b.Email != "" && (err != nil || again != b) {
			t.Fatalf("%+q comes back as %+q, %v", b, again, err)
		}
	})
}
