package gateway

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// artwork is a picture that stands for an event: always the same for the same event, in the colours of who plays. No picture is loaded from
// elsewhere. The lightness of its colours (OKLCH, at most 0.53) keeps white letters on it readable: contrast 5 or better.
type artwork struct {
	Back, Near, Far string // colours
	A, B            string // paths in a square of 100
}

// draw makes the picture of an event from its id and its performer.
func draw(event, performer string) artwork {
	e, p := sha256.Sum256([]byte(event)), sha256.Sum256([]byte(performer))
	hue := int(p[0]) * 360 / 256
	second := hue + 30 + int(p[1])%90
	a := artwork{Back: colour(0.36, 0.11, hue), Near: colour(0.53, 0.15, second), Far: colour(0.45, 0.13, hue+20)}
	shapes := []func(e [32]byte) (string, string){rings, rays, waves, blocks, hills}
	a.A, a.B = shapes[int(e[0])%len(shapes)](e)
	return a
}

func colour(light, chroma float64, hue int) string {
	return fmt.Sprintf("oklch(%.2f %.2f %d)", light, chroma, hue%360)
}

// rings are two discs, one of them cut.
func rings(e [32]byte) (a, b string) {
	disc := func(x, y, r int) string {
		return fmt.Sprintf("M%d %da%d %d 0 1 0 %d 0a%d %d 0 1 0 -%d 0", x-r, y, r, r, 2*r, r, r, 2*r)
	}
	x, y, r := 15+int(e[1])%70, 20+int(e[2])%60, 26+int(e[3])%20
	return disc(100-x, y, r), disc(x, 100-y, r+10)
}

// rays come from a light below.
func rays(e [32]byte) (string, string) {
	var a, b strings.Builder
	x, step := 20+int(e[1])%60, 14+int(e[2])%10
	for i, left := 0, -60; left < 160; i, left = i+1, left+step {
		to := &a
		if i%2 == 1 {
			to = &b
		}
		fmt.Fprintf(to, "M%d 110L%d -5h%dz", x, left, step*2/3)
	}
	return a.String(), b.String()
}

// waves roll through.
func waves(e [32]byte) (string, string) {
	wave := func(y, high int) string { return fmt.Sprintf("M-10 %dq30 -%d 60 0t60 0V110H-10z", y, high) }
	y := 35 + int(e[1])%20
	return wave(y+25, 20+int(e[2])%20), wave(y, 20+int(e[3])%25)
}

// blocks are a wall of windows, some of them lit.
func blocks(e [32]byte) (string, string) {
	var a, b strings.Builder
	for i := range 25 {
		to := &b
		if e[1+i]&3 == 0 {
			to = &a
		} else if e[1+i]&1 == 0 {
			continue
		}
		fmt.Fprintf(to, "M%d %dh18v18h-18z", i%5*20+1, i/5*20+1)
	}
	return a.String(), b.String()
}

// hills stand before one another.
func hills(e [32]byte) (string, string) {
	x, y := 20+int(e[1])%60, 15+int(e[2])%25
	return fmt.Sprintf("M-10 110L%d %dL110 110z", 100-x, y+25), fmt.Sprintf("M-40 110L%d %dL140 110z", x, y)
}
