package gateway

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// quiet is the width of the empty border that readers need, in modules (ISO/IEC 18004).
const quiet = 4

// qrCode is a code as a path of SVG: one run of dark modules after the other.
type qrCode struct {
	Size int // modules a side, border included
	Path string
}

// newQRCode encodes text with level M, which survives a crease in a printed ticket.
func newQRCode(text string) (q qrCode, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return q, fmt.Errorf("qr code: %w", err)
	}
	var b strings.Builder
	side := code.Bounds().Dx()
	for y := range side {
		for x := 0; x < side; x++ {
			from := x
			for x < side && code.At(x, y) == color.Black {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	return qrCode{side + 2*quiet, b.String()}, nil
}
