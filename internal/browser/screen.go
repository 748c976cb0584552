package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const maxScreenHeight = 4000 // CSS pixels of one picture; what is below is cut off

// Screen takes a picture of the whole page as a phone and as a desktop show it, <name>-360.png and <name>-1280.png, if screenshots were
// asked for (USHER_SCREENS).
func (b *Tab) Screen(name string) {
	b.t.Helper()
	folder := os.Getenv(ScreensVariable)
	if folder == "" {
		return
	}
	b.watch.touch() // what moves when the window changes is no fault
	defer b.resize(b.device)
	for _, d := range []Device{Phone, Desktop} {
		b.resize(d)
		d.Height = b.pageHeight(d)
		b.resize(d) // what sticks to the window's edge lies at the page's, as when it has been scrolled to its end
		picture, err := small(b.wholePage(d))
		if err == nil {
			err = os.MkdirAll(folder, 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.png", name, d.Width)), picture, 0o644)
		}
		if err != nil {
			b.fatalf("screenshot %s: %v", name, err)
		}
	}
}

// pageHeight is that of the page in a window of the device, at most maxScreenHeight.
func (b *Tab) pageHeight(d Device) int64 {
	b.t.Helper()
	size := call(b, "size", page.GetLayoutMetrics, cdp.Empty{}).CSSContentSize
	return min(max(int64(math.Ceil(size.Height)), d.Height), maxScreenHeight)
}

func (b *Tab) wholePage(d Device) []byte {
	b.t.Helper()
	return b.shoot(page.CaptureScreenshotParams{Clip: &page.Viewport{Width: float64(d.Width), Height: float64(d.Height), Scale: 1}, CaptureBeyondViewport: ptr(true)})
}

// shoot takes a picture. A page that gives way to the next one at that moment is never drawn, so the browser is asked again.
func (b *Tab) shoot(params page.CaptureScreenshotParams) (picture []byte) {
	b.t.Helper()
	b.wait("a picture", func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, patience/5)
		defer cancel()
		shot, err := chromedp.Call(ctx, page.CaptureScreenshot, params)
		picture = shot.Data
		return err == nil
	})
	return picture
}

// small packs a PNG into a palette of its 256 commonest colours. Pages have few colours; what is lost are shades of letters' edges.
func small(b []byte) ([]byte, error) {
	picture, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	flat := image.NewPaletted(picture.Bounds(), commonest(picture))
	nearest := map[color.RGBA]uint8{}
	for y := flat.Rect.Min.Y; y < flat.Rect.Max.Y; y++ {
		for x := flat.Rect.Min.X; x < flat.Rect.Max.X; x++ {
			c := color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)
			i, known := nearest[c]
			if !known {
				i = uint8(flat.Palette.Index(c))
				nearest[c] = i
			}
			flat.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, flat)
	return out.Bytes(), err
}

func commonest(picture image.Image) (out color.Palette) {
	counts := map[color.RGBA]int{}
	area := picture.Bounds()
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	all := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		if n := counts[b] - counts[a]; n != 0 {
			return n
		}
		return int(a.R) - int(b.R) + 1000*(int(a.G)-int(b.G)) + 1000000*(int(a.B)-int(b.B))
	})
	for _, c := range all[:min(len(all), 256)] {
		out = append(out, c)
	}
	return out
}
