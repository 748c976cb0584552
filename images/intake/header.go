package intake

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// format is a kind of file that is read.
type format struct {
	name   string
	begins func(file []byte) bool
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	exif   func(file []byte) []byte // the EXIF data, or nil
}

var formats = []format{
	{"JPEG", prefix("\xff\xd8\xff"), jpeg.DecodeConfig, jpeg.Decode, exifOfJPEG},
	{"PNG", prefix("\x89PNG\r\n\x1a\n"), png.DecodeConfig, png.Decode, exifOfPNG},
	{"GIF", prefix("GIF8"), gif.DecodeConfig, gif.Decode, func([]byte) []byte { return nil }},
	{"WebP", func(b []byte) bool { return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP" }, webpConfig, webp.Decode, exifOfWebP},
}

func prefix(p string) func([]byte) bool {
	return func(b []byte) bool { return bytes.HasPrefix(b, []byte(p)) }
}

// header is what a file says of its picture.
type header struct {
	*format
	width, height int // as stored: before it is turned
	orientation   int // EXIF: 1 to 8
}

// readHeader reads what a file says of its picture and refuses what is out of bounds. Nothing is decoded yet.
func readHeader(file []byte) (h header, err error) {
	for i := range formats {
		if formats[i].begins(file) {
			h.format = &formats[i]
		}
	}
	if h.format == nil {
		return h, refuse("it is no JPEG, PNG, GIF or WebP")
	}
	c, err := h.config(bytes.NewReader(file))
	if err != nil {
		return h, refuse("its header cannot be read: %w", err)
	}
	h.width, h.height = c.Width, c.Height
	short, long := min(c.Width, c.Height), max(c.Width, c.Height)
	switch {
	case short < minSide:
		return h, refuse("it is %d × %d pixels, want at least %d × %[3]d", c.Width, c.Height, minSide)
	case int64(c.Width)*int64(c.Height) > maxPixels:
		return h, refuse("it is %d × %d pixels, want at most %d million", c.Width, c.Height, maxPixels/1_000_000)
	case long > maxAspect*short:
		return h, refuse("it is %d × %d pixels, want one side at most %d times the other", c.Width, c.Height, maxAspect)
	}
	h.orientation = orientation(h.exif(file))
	return h, nil
}

var (
	errWebP     = errors.New("webp: the frame and its canvas do not fit")
	errLossless = errors.New("webp: a lossless frame of more than 2 MB")
)

// maxLossless bounds a lossless frame, and transparency that is coded like one. Such a frame may define codes of its own for every 16 pixels: 150 bytes
// of the file become 40 KB of memory, so that 2 MB become half a gigabyte.
const maxLossless = 2 << 20

// webpConfig is webp.DecodeConfig, which believes the canvas of an extended file (VP8X). What is decoded then is the frame in it, and it may say
// something else: a canvas of 64 × 64 may hold a frame of 16,384 × 16,384. Here they must be the same.
func webpConfig(r io.Reader) (image.Config, error) {
	file, err := io.ReadAll(r)
	if err != nil {
		return image.Config{}, err
	}
	c, err := webp.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return c, err
	}
	frames := 0
	for id, chunk := range webpChunks(file) {
		if (id == "VP8L" || id == "ALPH") && len(chunk) > maxLossless {
			return c, errLossless
		}
		if id != "VP8 " && id != "VP8L" {
			continue
		}
		frames++
		frame, err := webp.DecodeConfig(bytes.NewReader(alone(id, chunk)))
		if err != nil {
			return c, err
		}
		if frame.Width != c.Width || frame.Height != c.Height {
			return c, errWebP
		}
	}
	if frames != 1 {
		return c, errWebP
	}
	return c, nil
}

// webpChunks are the chunks of a WebP file, as far as they are whole. A chunk that is cut is given as it is.
// https://www.rfc-editor.org/rfc/rfc9649.html#section-2.3
func webpChunks(file []byte) func(yield func(id string, chunk []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for rest := file[min(12, len(file)):]; len(rest) >= 8; {
			id, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
			rest = rest[8:]
			chunk := rest[:min(size, int64(len(rest)))]
			if !yield(id, chunk) {
				return
			}
			rest = rest[min(size+size&1, int64(len(rest))):]
		}
	}
}

// alone is a WebP file of one chunk.
func alone(id string, chunk []byte) []byte {
	b := append([]byte("RIFF\x00\x00\x00\x00WEBP"), id...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(chunk)))
	b = append(b, chunk...)
	if len(chunk)&1 == 1 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}
