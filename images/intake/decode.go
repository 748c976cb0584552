package intake

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"io"

	xdraw "golang.org/x/image/draw"

	"usher/images"
)

// decode returns all of a picture as it is looked at, within the box of the full variant. It fails when ctx ends.
func decode(ctx context.Context, h header, file []byte) (whole *image.RGBA, err error) {
	defer func() {
		if p := recover(); p != nil {
			whole, err = nil, refuse("it makes the %s decoder fail: %v", h.name, p)
		}
	}()
	picture, err := h.decode(&patient{ctx, bytes.NewReader(file)})
	if err != nil {
		return nil, refuse("it is no whole %s: %w", h.name, err)
	}
	if b := picture.Bounds(); b.Dx() > h.width || b.Dy() > h.height || b.Empty() {
		return nil, refuse("it is %d × %d pixels, and its header says %d × %d", b.Dx(), b.Dy(), h.width, h.height)
	}
	box := images.Shapes[len(images.Shapes)-1]
	width, height := fit(picture.Bounds().Dx(), picture.Bounds().Dy(), box.Width, box.Height)
	rough, err := reduce(ctx, picture, width, height)
	if err != nil {
		return nil, err
	}
	return turn(scale(rough, rough.Bounds(), width, height), h.orientation), nil
}

// patient reads on until its context ends. Decoders read some kilobytes at a time, which of the worst file keep them busy for a second.
type patient struct {
	ctx  context.Context
	file io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.file.Read(b)
}

// fit is the size in which something of w × h is shown whole within a box, without being enlarged.
func fit(w, h, boxW, boxH int) (int, int) {
	switch {
	case w <= boxW && h <= boxH:
		return w, h
	case w*boxH > h*boxW:
		return boxW, max(1, (h*boxW+w/2)/w)
	default:
		return max(1, (w*boxH+h/2)/h), boxH
	}
}

// reduce puts a picture on white and averages squares of its pixels, as large as still leave at least width × height. A good filter takes time and
// memory by the size of what it begins with; from at most twice the size the difference cannot be seen.
func reduce(ctx context.Context, picture image.Image, width, height int) (*image.RGBA, error) {
	from := picture.Bounds()
	n := max(1, min(from.Dx()/width, from.Dy()/height))
	out := image.NewRGBA(image.Rect(0, 0, from.Dx()/n, from.Dy()/n))
	strip := image.NewRGBA(image.Rect(0, 0, out.Rect.Dx()*n, n))
	white := image.NewUniform(color.White)
	for y := range out.Rect.Dy() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		draw.Draw(strip, strip.Rect, white, image.Point{}, draw.Src)
		draw.Draw(strip, strip.Rect, picture, from.Min.Add(image.Pt(0, y*n)), draw.Over)
		average(out.Pix[y*out.Stride:(y+1)*out.Stride], strip, n)
	}
	return out, nil
}

// average makes one row of pixels from the squares of n × n of a strip.
func average(row []byte, strip *image.RGBA, n int) {
	if n == 1 {
		copy(row, strip.Pix)
		return
	}
	half, area := n*n/2, n*n
	for x := 0; x < len(row)/4; x++ {
		var r, g, b int
		for dy := range n {
			at := dy*strip.Stride + x*n*4
			for p := strip.Pix[at : at+4*n]; len(p) > 0; p = p[4:] {
				r, g, b = r+int(p[0]), g+int(p[1]), b+int(p[2])
			}
		}
		row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = byte((r+half)/area), byte((g+half)/area), byte((b+half)/area), 255
	}
}

// scale shows a part of a picture in the given size.
func scale(picture *image.RGBA, part image.Rectangle, width, height int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	if part.Dx() == width && part.Dy() == height {
		draw.Draw(out, out.Rect, picture, part.Min, draw.Src)
		return out
	}
	xdraw.CatmullRom.Scale(out, out.Rect, picture, part, draw.Src, nil)
	return out
}

// turn turns a picture as its orientation says: 2 to 4 mirror and turn it by half, 5 to 8 by a quarter.
func turn(in *image.RGBA, orientation int) *image.RGBA {
	if orientation == upright {
		return in
	}
	w, h := in.Rect.Dx(), in.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			fromX, fromY := origin(x, y, w, h, orientation)
			copy(out.Pix[out.PixOffset(x, y):][:4], in.Pix[in.PixOffset(fromX, fromY):][:4])
		}
	}
	return out
}

// origin is where the pixel (x, y) of a turned picture lies in the stored one of w × h. The orientation tells where the stored picture's row 0 and
// column 0 are looked at: 6, for one, is row 0 at the right, column 0 at the top.
func origin(x, y, w, h, orientation int) (int, int) {
	switch orientation {
	case 2: // top, right
		return w - 1 - x, y
	case 3: // bottom, right
		return w - 1 - x, h - 1 - y
	case 4: // bottom, left
		return x, h - 1 - y
	case 5: // left, top
		return y, x
	case 6: // right, top
		return y, h - 1 - x
	case 7: // right, bottom
		return w - 1 - y, h - 1 - x
	case 8: // left, bottom
		return w - 1 - y, x
	}
	return x, y
}
