package main

import (
	"fmt"
	"strings"
	"time"
)

// panel is one diagram of a plot.
type panel struct {
	title string
	most  float64
	of    func(Sample) float64
}

var panels = []panel{
	{"called a minute", 60 * mostPace * 1.1, func(x Sample) float64 { return 60 * x.Pace }},
	{"people inside", capacity * 1.05, func(x Sample) float64 { return float64(x.Inside) }},
	{"payments under way", capacity * 1.05, func(x Sample) float64 { return float64(x.Paying) }},
	{"late calls, %", 105, func(x Sample) float64 { return 100 * min(1, x.Late) }},
}

// The plot's measures, in pixels.
const (
	wide, high, left, top, gap = 300, 110, 60, 50, 30
)

// plot draws scenarios as columns of panels: a line of each run, the time of trouble grey.
func plot(runs [][2][]Sample) string {
	var b strings.Builder
	width, height := left+len(Scenarios)*(wide+gap), top+len(panels)*(high+gap)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", width, height)
	fmt.Fprintf(&b, `<title>Step responses of the door: blue follows the health of what is behind it, red is a fixed pace</title><rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for i, s := range Scenarios {
		x := left + i*(wide+gap)
		fmt.Fprintf(&b, `<text x="%d" y="20" font-size="14">%s</text>`+"\n", x, s.Name)
		for j, p := range panels {
			y := top + j*(high+gap)
			at := func(t time.Duration) float64 { return float64(x) + wide*t.Seconds()/length.Seconds() }
			fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#ececf2"/>`+"\n", at(s.From), y, at(s.To)-at(s.From), high)
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#999"/><text x="%d" y="%d">%s</text>`+"\n", x, y, wide, high, x, y-4, p.title)
			if i == 0 {
				fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%.0f</text><text x="%d" y="%d" text-anchor="end">0</text>`+"\n", x-4, y+10, p.most, x-4, y+high)
			}
			for k, colour := range [...]string{"#c0392b", "#2c5aa0"} {
				fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.4" points="`, colour)
				for n, sample := range runs[i][1-k] {
					if n%3 == 0 {
						fmt.Fprintf(&b, "%.0f,%.0f ", at(sample.At), float64(y+high)-high*min(1, p.of(sample)/p.most))
					}
				}
				b.WriteString(`"/>` + "\n")
			}
			if j == len(panels)-1 {
				for _, minutes := range []int{0, 10, 40, 70} {
					fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="middle">%d</text>`+"\n", at(time.Duration(minutes)*time.Minute), y+high+13, minutes)
				}
			}
		}
	}
	fmt.Fprintf(&b, `<text x="%d" y="36" fill="#2c5aa0">follows the health of what is behind the door</text><text x="%d" y="36" fill="#c0392b">fixed pace</text><text x="%d" y="36">minutes; trouble is grey</text>`+"\n</svg>\n",
		left, left+260, left+340)
	return b.String()
}
