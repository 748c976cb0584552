package browser

import (
	"bytes"
	"image"
	"image/png"

	"github.com/chromedp/cdproto/page"
)

// unfocus takes the focus off an element behind the page's back: no handler of the page's learns of it.
const unfocus = `function() {
	const deaf = e => e.stopImmediatePropagation(), kinds = ["blur", "focusout", "focus", "focusin", "change"];
	kinds.forEach(k => window.addEventListener(k, deaf, true));
	const r = this.getBoundingClientRect(); // before: a link to skip to the content is away when it has no focus
	this.blur();
	this.usherRefocus = () => { this.focus({focusVisible: true, preventScroll: true}); kinds.forEach(k => window.removeEventListener(k, deaf, true)) };
	return [r.left, r.top, r.width, r.height];
}`

// ring reports whether one can see that an element has the focus: with and without it, at least as many pixels differ in and around
// it as a line one pixel thick along two of its sides has. A blinking cursor is less than that.
func (b *Tab) ring(e element) (seen bool, err error) {
	b.t.Helper()
	with, err := b.picture()
	if err != nil {
		return false, err
	}
	box, err := onElement[[]float64](b, e, unfocus)
	if err != nil {
		return false, err
	}
	without, err := b.picture()
	if err != nil {
		return false, err
	}
	if _, err := onElement[any](b, e, `function() { this.usherRefocus(); delete this.usherRefocus }`); err != nil {
		return false, err
	}
	const around = 8 // CSS pixels
	scale := b.device.Scale
	area := image.Rect(int((box[0]-around)*scale), int((box[1]-around)*scale), int((box[0]+box[2]+around)*scale), int((box[1]+box[3]+around)*scale))
	return differing(with, without, area) >= int(scale*min(box[2]+box[3], float64(b.device.Width))), nil
}

// picture is what the window shows.
func (b *Tab) picture() (image.Image, error) {
	b.t.Helper()
	return png.Decode(bytes.NewReader(b.shoot(page.CaptureScreenshotParams{OptimizeForSpeed: ptr(true)})))
}

// differing counts the pixels of an area that two pictures show differently.
func differing(a, b image.Image, area image.Rectangle) (n int) {
	area = area.Intersect(a.Bounds()).Intersect(b.Bounds())
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				n++
			}
		}
	}
	return n
}
