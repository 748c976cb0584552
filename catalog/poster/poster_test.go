package poster

import (
	"bytes"
	"fmt"
	"image/color"
	"testing"
)

func TestAPosterIsTheSameForTheSameWords(t *testing.T) {
	t.Parallel()
	first, again, other := Draw("The Copper Owls"), Draw("The Copper Owls"), Draw("Night Ferries")
	if !bytes.Equal(first.Pix, again.Pix) {
		t.Error("two posters of the same words differ")
	}
	if bytes.Equal(first.Pix, other.Pix) {
		t.Error("posters of different words are one")
	}
}

// Every poster has something to look at: many colours, none of them everywhere, and nothing transparent.
func TestAPosterIsNoPlainSurface(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		m := Draw(fmt.Sprint("act ", i))
		if m.Rect.Dx() != Width || m.Rect.Dy() != Height || !m.Opaque() {
			t.Fatalf("%v, opaque: %t", m.Rect, m.Opaque())
		}
		seen, samples := map[color.Color]int{}, 0
		for y := 0; y < Height; y += 9 {
			for x := 0; x < Width; x += 9 {
				c := m.RGBAAt(x, y)
				seen[color.RGBA{c.R &^ 15, c.G &^ 15, c.B &^ 15, 255}]++
				samples++
			}
		}
		most := 0
		for _, n := range seen {
			most = max(most, n)
		}
		if len(seen) < 8 || most > samples*3/4 {
			t.Errorf("act %d: %d colours, one of them on %d of %d points", i, len(seen), most, samples)
		}
	}
}

func TestColoursAreThoseOfTheDefinition(t *testing.T) {
	t.Parallel()
	f := func(light, chroma, hue float64, r, g, b byte) {
		t.Helper()
		c := oklch(light, chroma, hue)
		for i, got := range []byte{gamma(c.r), gamma(c.g), gamma(c.b)} {
			if want := []byte{r, g, b}[i]; max(got, want)-min(got, want) > 2 {
				t.Errorf("oklch(%g %g %g): part %d is %d, want %d", light, chroma, hue, i, got, want)
			}
		}
	}
	// https://www.w3.org/TR/css-color-4/#ok-lab: white, black, and the primaries of sRGB
	f(1, 0, 0, 255, 255, 255)
	f(0, 0, 0, 0, 0, 0)
	f(0.62796, 0.25768, 29.234/360, 255, 0, 0)
	f(0.86644, 0.29483, 142.495/360, 0, 255, 0)
	f(0.45201, 0.31321, 264.052/360, 0, 0, 255)
}
