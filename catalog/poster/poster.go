// Package poster draws posters for events of the demo catalog: abstract ones, always the same for the same words. They stand where a photograph
// would.
package poster

import (
	"crypto/sha256"
	"image"
	"math"
)

// The size of a poster in pixels: 16:9, small enough to be made in a tenth of a second with all its variants.
const (
	Width, Height = 800, 450
)

// colour is a colour with linear light.
type colour struct{ r, g, b float64 }

// mix is a at 0 and b at 1.
func mix(a, b colour, t float64) colour {
	return colour{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

// oklch returns a colour by its lightness, chroma and hue in turns. https://bottosson.github.io/posts/oklab/
func oklch(light, chroma, hue float64) colour {
	a, b := chroma*math.Cos(2*math.Pi*hue), chroma*math.Sin(2*math.Pi*hue)
	l, m, s := light+0.3963377774*a+0.2158037573*b, light-0.1055613458*a-0.0638541728*b, light-0.0894841775*a-1.2914855480*b
	l, m, s = l*l*l, m*m*m, s*s*s
	return colour{4.0767416621*l - 3.3077115913*m + 0.2309699292*s, -1.2684380046*l + 2.6097574011*m - 0.3413193965*s, -0.0041960863*l - 0.7034186147*m + 1.7076147010*s}
}

// scene paints a point; x goes from 0 to Width/Height, y from 0 at the top to 1.
type scene func(x, y float64) colour

// Draw returns the poster of some words.
func Draw(words string) *image.RGBA {
	d := &dice{sum: sha256.Sum256([]byte(words))}
	scenes := []func(*dice, palette) scene{sun, lights, ripples, ribbons, bars, planets}
	paint := scenes[d.below(len(scenes))](d, newPalette(d))
	out := image.NewRGBA(image.Rect(0, 0, Width, Height))
	for y := range Height {
		for x := range Width {
			px, py := (float64(x)+0.5)/Height, (float64(y)+0.5)/Height
			c := paint(px, py)
			far := math.Hypot(px-Width/2.0/Height, py-0.5)
			shade := 1 - 0.28*far*far + 0.02*grain(x, y)
			copy(out.Pix[out.PixOffset(x, y):], []byte{gamma(c.r * shade), gamma(c.g * shade), gamma(c.b * shade), 255})
		}
	}
	return out
}

// gammas are the bytes of linear light in 4,096 steps. https://www.w3.org/Graphics/Color/srgb
var gammas = func() (t [4097]byte) {
	for i := range t {
		v := float64(i) / 4096
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = byte(math.Round(255 * v))
	}
	return t
}()

func gamma(v float64) byte { return gammas[int(4096*min(max(v, 0), 1))] }

// grain is a little noise, from -1 to 1, so that soft gradients show no bands.
func grain(x, y int) float64 {
	n := uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca6b
	n = (n ^ n>>15) * 0x2c1b3c6d
	return float64(n>>8)/(1<<23) - 1
}

// dice throws what the words decide.
type dice struct {
	sum  [sha256.Size]byte
	next int
}

// part is from 0 to 1.
func (d *dice) part() float64 {
	if d.next == len(d.sum) {
		d.sum, d.next = sha256.Sum256(d.sum[:]), 0
	}
	d.next++
	return float64(d.sum[d.next-1]) / 255
}

func (d *dice) between(low, high float64) float64 { return low + (high-low)*d.part() }

func (d *dice) below(n int) int { return min(int(d.part()*float64(n)), n-1) }
