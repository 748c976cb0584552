package words

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "São-Paulo!": "sao paulo", "%_\\": "", "東京 Tokyo": "東京 tokyo", "AT&T": "at t", "Łódź": "lodz", "Straße": "strasse", "\u0301\u0301": "", "e\u0301a": "ea",
		"ÆØÅ": "aeoa", "İstanbul": "istanbul", "½": "1 2", "  a  b ": "a b", "فيروز": "فيروز", "Ⅳ": "iv", "٣": "٣", "a\u0000b": "a b",
	} {
		if got := Fold(in); got != want {
			t.Errorf("%q is folded to %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("São Paulo, 東京")
	f.Fuzz(func(t *testing.T, s string) {
		got := Fold(s)
		if strings.Join(strings.Fields(got), " ") != got {
			t.Errorf("%q is folded to %q", s, got)
		}
		for _, r := range got {
			if r != ' ' && !letter(r) {
				t.Errorf("%q is folded to %q", s, got)
			}
		}
		if n := len(Split(got)); n > maxWords {
			t.Errorf("%q has %d words", s, n)
		}
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "owls": "owls", "the owls at the lantern": "owls lantern", "the the": "the the", "夜の灯": "夜の灯[夜 の 灯]", "live東京2030": "live 東京[東 京] 2030",
		strings.Repeat("ab ", 30): strings.TrimSpace(strings.Repeat("ab ", maxWords)), strings.Repeat("x", 100): strings.Repeat("x", maxLength),
	} {
		var got []string
		for _, w := range Split(in) {
			text := w.Text
			if len(w.Chars) > 0 {
				text += "[" + strings.Join(w.Chars, " ") + "]"
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Parts("the 夜の owls"); !slices.Equal(got, []string{"the", "夜", "の", "owls"}) {
		t.Errorf("parts %q", got)
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]int{"owl": 0, "owls": 1, "lantern": 1, "lanterns": 2, "lantern2": 0, "夜の灯の夜": 0, strings.Repeat("x", 42): 2, strings.Repeat("x", 43): 0} {
		if got := Split(word)[0].Edits(); got != want {
			t.Errorf("%q may have %d typos, want %d", word, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	f := func(a, b string, want int) {
		t.Helper()
		if got, back := Distance([]rune(a), []rune(b)), Distance([]rune(b), []rune(a)); got != want || back != want {
			t.Errorf("%q and %q: %d and back %d, want %d", a, b, got, back, want)
		}
	}
	f("", "", 0)
	f("", "ab", 2)
	f("owls", "olws", 1)
	f("copper", "coper", 1)
	f("sommernacht", "sommrnahct", 2)
	f("kitten", "sitting", 3)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 { // whatever was edited twice at most is two edits away at most
		word := []rune("waitingroom")
		other := slices.Clone(word)
		for range 2 {
			at := rng.IntN(len(other) - 1)
			switch rng.IntN(3) {
			case 0:
				other = slices.Delete(other, at, at+1)
			case 1:
				other = slices.Insert(other, at, 'x')
			default:
				other[at] = 'y'
			}
		}
		if got := Distance(word, other); got > 2 {
			t.Errorf("%q is %d edits away", string(other), got)
		}
	}
}
