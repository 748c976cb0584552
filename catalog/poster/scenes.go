package poster

import "math"

// palette are the colours of a poster, from the ground to the light.
type palette struct{ deep, dark, warm, light, pale colour }

func newPalette(d *dice) palette {
	hue := d.part()
	other := hue + d.between(0.08, 0.22)
	if d.part() < 0.4 {
		other = hue + d.between(0.35, 0.6)
	}
	return palette{
		deep: oklch(0.20, 0.06, hue), dark: oklch(0.36, 0.11, hue+0.02), warm: oklch(0.58, 0.16, other), light: oklch(0.74, 0.14, other+0.04),
		pale: oklch(0.92, 0.05, other+0.06),
	}
}

// step goes from 0 to 1 around an edge, softly within its width.
func step(edge, width, v float64) float64 {
	t := min(max((v-edge)/width+0.5, 0), 1)
	return t * t * (3 - 2*t)
}

const sharp = 0.003 // the width of an edge that looks sharp and is not jagged: a pixel and a half

// sun stands over waves, which come darker the nearer they are.
func sun(d *dice, p palette) scene {
	x0, y0, r := d.between(0.5, 1.3), d.between(0.28, 0.45), d.between(0.16, 0.27)
	phase, bend := d.part()*6, d.between(2.2, 4)
	return func(x, y float64) colour {
		far := math.Hypot(x-x0, y-y0)
		c := mix(p.dark, p.warm, step(0.45, 1.1, y))
		c = mix(c, p.light, 0.55*math.Exp(-6*max(far-r, 0)))
		c = mix(p.pale, c, step(r, sharp, far))
		for i := range 5 {
			n := float64(i)
			shore := 0.55 + 0.1*n + 0.035*math.Sin(bend*x*(1+0.25*n)+phase*(n+1)) + 0.015*math.Sin(2.7*bend*x+n)
			c = mix(c, mix(p.warm, p.deep, 0.25+0.18*n), step(shore, sharp, y))
		}
		return c
	}
}

// lights cross above a stage.
func lights(d *dice, p palette) scene {
	type beam struct{ x, lean, width, strength float64 }
	beams := make([]beam, 4+d.below(3))
	for i := range beams {
		at := (float64(i) + 0.5) / float64(len(beams)) * 1.78
		beams[i] = beam{at, (0.89 - at) * d.between(0.2, 1.1), d.between(0.05, 0.12), d.between(0.35, 0.9)}
	}
	return func(x, y float64) colour {
		c := mix(p.deep, p.dark, y*y)
		for i, b := range beams {
			off := math.Abs(x-b.x-b.lean*y) / (b.width * (0.25 + 1.6*y))
			if off > 2 { // nothing of it is seen there
				continue
			}
			tone := p.warm
			if i%2 == 0 {
				tone = p.light
			}
			c = mix(c, tone, b.strength*math.Exp(-2.2*off*off)*(1-0.55*y))
		}
		floor := math.Hypot((x-0.89)/1.6, (y-1.02)/0.22)
		c = mix(c, p.pale, 0.65*math.Exp(-2.5*floor*floor))
		heads := 0.93 - 0.035*math.Abs(math.Sin(17*x+3)) - 0.025*math.Abs(math.Sin(31*x))
		return mix(c, mix(p.deep, colour{}, 0.6), step(heads, sharp, y))
	}
}

// ripples spread from two points and meet.
func ripples(d *dice, p palette) scene {
	x1, y1, x2, y2 := d.between(0.1, 0.8), d.between(0.1, 0.9), d.between(1, 1.7), d.between(0.1, 0.9)
	count := d.between(26, 46)
	return func(x, y float64) colour {
		a, b := math.Hypot(x-x1, y-y1), math.Hypot(x-x2, y-y2)
		wave := 0.5 + 0.25*(math.Sin(count*a)+math.Sin(count*b))
		c := mix(p.deep, p.dark, 1-y)
		c = mix(c, p.warm, step(0.52, 0.05, wave))
		c = mix(c, p.light, step(0.74, 0.04, wave))
		c = mix(c, p.pale, step(0.93, 0.04, wave))
		return mix(c, p.dark, 0.35*step(0.5, 1.2, min(a, b)))
	}
}

// ribbons flow from side to side.
func ribbons(d *dice, p palette) scene {
	phase, bend, lean := 6*d.part(), d.between(1.6, 3), d.between(-0.25, 0.25)
	return func(x, y float64) colour {
		c := mix(p.dark, p.deep, y)
		for i := range 7 {
			n := float64(i)
			middle := 0.5 + lean*(x-0.89) + 0.3*math.Sin(bend*x+phase+0.32*n)*math.Cos(0.7*bend*x+0.5*n)
			width := 0.035 + 0.055*(0.5+0.5*math.Sin(2*x+n))
			off := (y - middle) / width
			tone := mix(mix(p.warm, p.light, n/6), p.pale, 0.3*max(0, 1-math.Abs(off+0.5)))
			c = mix(c, mix(tone, p.deep, 0.3*step(0, 2, off)), 0.88*(1-step(1, sharp/width, math.Abs(off))))
		}
		return c
	}
}

// bars rise and fall as music does.
func bars(d *dice, p palette) scene {
	n := 18 + d.below(12)
	heights := make([]float64, n)
	for i := range heights {
		at := float64(i) / float64(n-1)
		heights[i] = 0.12 + 0.55*math.Sin(math.Pi*at)*d.between(0.35, 1)
	}
	return func(x, y float64) colour {
		c := mix(p.deep, p.dark, step(0.5, 1.4, 1-y))
		far := math.Hypot(x-0.89, y-0.5)
		c = mix(c, p.warm, 0.4*math.Exp(-5*far*far))
		at := x / 1.778 * float64(n)
		i := min(max(int(at), 0), n-1)
		side := math.Abs(at - float64(i) - 0.5)
		tall := math.Abs(y-0.5) - heights[i]/2
		inside := (1 - step(0.33, 0.05, side)) * (1 - step(0, sharp, tall))
		return mix(c, mix(p.pale, mix(p.light, p.warm, 1.4*math.Abs(y-0.5)), min(1, 3*math.Abs(y-0.5))), inside)
	}
}

// planets hang before one another, lit from one side.
func planets(d *dice, p palette) scene {
	type disc struct{ x, y, r float64 }
	discs := []disc{
		{d.between(0.3, 0.7), d.between(0.3, 0.7), d.between(0.26, 0.4)}, {d.between(1, 1.5), d.between(0.25, 0.75), d.between(0.18, 0.3)},
		{d.between(0.7, 1.2), d.between(0.15, 0.85), d.between(0.06, 0.13)},
	}
	tones := []colour{p.warm, p.light, p.pale}
	return func(x, y float64) colour {
		c := mix(p.deep, p.dark, 0.5+0.5*math.Sin(2.2*x+1.4*y))
		for i, o := range discs {
			far := math.Hypot(x-o.x, y-o.y)
			lit := step(0, 1.7*o.r, (x-o.x)*0.6-(y-o.y)*0.8)
			c = mix(c, mix(mix(tones[i], p.deep, 0.75), tones[i], lit), 1-step(o.r, sharp, far))
			ring := math.Abs(math.Hypot((x-o.x)*0.9+(y-o.y)*0.3, (y-o.y)*2.6-(x-o.x)*0.5) - 1.45*o.r)
			if i == 0 {
				c = mix(p.pale, c, step(0.012, sharp, ring)*0.55+0.45)
			}
		}
		return c
	}
}
