package intake

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"usher/images"
)

// qualities are tried until a variant weighs no more than its shape should. A photograph has its first, noise its fourth or fifth.
var qualities = []int{82, 72, 58, 40, 22, 8}

// shapes makes the variants of a whole picture, in the order of images.Shapes.
func shapes(whole *image.RGBA) (out [][]byte, err error) {
	best := map[[2]image.Rectangle][]byte{} // files of the first quality, by the part and the size that they show: of small pictures shapes are alike
	for _, s := range images.Shapes {
		part, width, height := cut(whole.Rect, s)
		view := [2]image.Rectangle{part, image.Rect(0, 0, width, height)}
		file := best[view]
		if file == nil {
			var quality int
			if file, quality, err = compress(scale(whole, part, width, height), s.Bytes); err != nil {
				return nil, fmt.Errorf("make %s: %w", s.Variant, err)
			}
			if quality == qualities[0] {
				best[view] = file
			}
		}
		out = append(out, file)
	}
	return out, nil
}

// cut is the part of a picture that a shape shows, and the size in which it does. Of a picture that is too high, such as a poster, the upper third
// of what is too much goes above and the rest below: faces and titles stand higher than the middle.
func cut(r image.Rectangle, s images.Shape) (part image.Rectangle, width, height int) {
	if s.Whole {
		width, height = fit(r.Dx(), r.Dy(), s.Width, s.Height)
		return r, width, height
	}
	w, h := r.Dx(), r.Dy()
	switch {
	case w*s.Height > h*s.Width:
		w = max(1, h*s.Width/s.Height)
	default:
		h = max(1, w*s.Height/s.Width)
	}
	at := r.Min.Add(image.Pt((r.Dx()-w)/2, (r.Dy()-h)/3))
	return image.Rectangle{at, at.Add(image.Pt(w, h))}, min(w, s.Width), min(h, s.Height)
}

// compress makes the best JPEG file of at most so many bytes, or the smallest there is, and returns its quality.
func compress(picture image.Image, most int) (file []byte, quality int, err error) {
	var b bytes.Buffer
	for _, quality = range qualities {
		b.Reset()
		if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: quality}); err != nil {
			return nil, 0, err
		}
		if b.Len() <= most {
			break
		}
	}
	return b.Bytes(), quality, nil
}
