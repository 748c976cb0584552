package intake

import (
	"encoding/binary"
	"errors"
	"image/color"
	"testing"

	"usher/images"
)

// FuzzAdd takes any bytes in: they are refused, or every variant is made. Pictures are kept small, for speed.
func FuzzAdd(f *testing.F) {
	small := flag(80, 64)
	f.Add(asJPEG(f, small))
	f.Add(jpegWith(asJPEG(f, small), exifOf(binary.LittleEndian, 6, "x")))
	f.Add(asPNG(f, small))
	f.Add(pngWith(asPNG(f, small), "eXIf", exifOf(binary.BigEndian, 5, "x")))
	f.Add(asGIF(f, small))
	f.Add(alone("VP8L", plainVP8L(80, 64, red)))
	f.Add(extended(80, 64, 0x18, chunk("ALPH", append([]byte{0}, make([]byte, 80*64)...)), chunk("VP8L", plainVP8L(80, 64, red))))
	f.Add(scans(64, 3))
	f.Add(blackPNG(f, 64))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := readHeader(file)
		if err == nil && h.width*h.height > 1<<18 {
			return // a large picture takes its time and teaches nothing new
		}
		s := newShelf()
		d, err := New(s).Add(t.Context(), file)
		if err != nil {
			if !errors.Is(err, ErrRefused) {
				t.Errorf("%v", err)
			}
			return
		}
		for _, shape := range images.Shapes {
			kept := s.files[images.Name{Digest: d, Variant: shape.Variant}]
			if h, err := readHeader(kept); err != nil && h.format == nil || h.name != "JPEG" || h.width > shape.Width || h.height > shape.Height {
				t.Errorf("%s: %d × %d, %v", shape.Variant, h.width, h.height, err)
			}
		}
	})
}

// FuzzOrientation reads EXIF data of any file.
func FuzzOrientation(f *testing.F) {
	f.Add(exifOf(binary.BigEndian, 6, "x"))
	f.Add(jpegWith([]byte{0xff, 0xd8, 0xff, 0xd9}, exifOf(binary.LittleEndian, 3, "")))
	f.Add(pngWith(asPNG(f, quarters(1, 1, color.Black, color.Black, color.Black, color.Black)), "eXIf", exifOf(binary.BigEndian, 5, "x")))
	f.Add(extended(1, 1, 0x08, chunk("EXIF", exifOf(binary.BigEndian, 8, ""))))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, exif := range [][]byte{file, exifOfJPEG(file), exifOfPNG(file), exifOfWebP(file)} {
			if o := orientation(exif); o < 1 || o > 8 {
				t.Errorf("orientation %d", o)
			}
		}
	})
}
