package intake

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"
)

// The colours of the corners of the pictures in these tests.
var (
	red   = color.RGBA{200, 30, 30, 255}
	green = color.RGBA{30, 160, 40, 255}
	blue  = color.RGBA{30, 40, 200, 255}
	white = color.RGBA{255, 255, 255, 255}
)

// quarters is a picture of four colours: top left, top right, bottom left, bottom right.
func quarters(w, h int, c ...color.Color) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, c := range c {
		quarter := image.Rect(i%2*(w/2), i/2*(h/2), w, h)
		draw.Draw(m, quarter, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return m
}

func flag(w, h int) *image.RGBA { return quarters(w, h, red, green, blue, white) }

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asGIF(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	few := image.NewPaletted(m.Bounds(), color.Palette{red, green, blue, white})
	draw.Draw(few, few.Rect, m, image.Point{}, draw.Src)
	if err := gif.Encode(&b, few, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noise is a picture that compresses as badly as any.
func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(random.Uint32()) | byte(i%4/3*255) // opaque
	}
	return m
}

// exifOf is EXIF data with an orientation and some text.
func exifOf(order binary.AppendByteOrder, orientation uint16, text string) []byte {
	b := []byte("MM\x00*")
	if order.String() == binary.LittleEndian.String() {
		b = []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 0x010e) // description
	b = order.AppendUint16(b, 2)
	b = order.AppendUint32(b, uint32(len(text)))
	b = order.AppendUint32(b, 38)
	b = order.AppendUint16(b, 0x0112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return append(b, text...)
}

// jpegWith puts EXIF data into a JPEG, behind a segment of another kind.
func jpegWith(file, exif []byte) []byte {
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, 0xe0, 0, 4, 'J', 'F')
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(2+len(exifMark)+len(exif)))
	out = append(append(out, exifMark...), exif...)
	return append(out, file[2:]...)
}

func pngChunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// pngWith puts a chunk behind a PNG's header.
func pngWith(file []byte, kind string, data []byte) []byte {
	const header = 8 + 25
	return append(append(append([]byte{}, file[:header]...), pngChunk(kind, data)...), file[header:]...)
}

// blackPNG is a whole, valid PNG of side × side black pixels of one bit each. Its rows are nothing but zeros, and a deflate block that continues
// zeros with zeros may be repeated.
func blackPNG(t testing.TB, side int) []byte {
	t.Helper()
	const block = 1 << 16
	total := int64(side) * int64(1+(side+7)/8)
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	part := func(n int64) []byte {
		before := b.Len()
		if _, err := w.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()[before:]
	}
	data := append([]byte{}, part(block+total%block)...)
	if more := total/block - 1; more > 0 {
		data = append(data, bytes.Repeat(part(block), int(more))...)
	}
	data = append(data, 1, 0, 0, 0xff, 0xff) // an empty last block
	// Adler-32 of zeros: the sum is 1 after every one of them. https://www.rfc-editor.org/rfc/rfc1950
	data = binary.BigEndian.AppendUint32(data, uint32(total%65521)<<16|1)
	head := binary.BigEndian.AppendUint32(nil, uint32(side))
	head = binary.BigEndian.AppendUint32(head, uint32(side))
	head = append(head, 1, 0, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", head)...)
	file = append(file, pngChunk("IDAT", data)...)
	return append(file, pngChunk("IEND", nil)...)
}

// bits are written as WebP reads them: the lowest first.
type bits struct {
	bytes []byte
	n     int
}

func (b *bits) write(v uint32, n int) {
	for i := range n {
		if b.n%8 == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[b.n/8] |= byte(v>>i&1) << (b.n % 8)
		b.n++
	}
}

// plainVP8L is a lossless WebP frame of one colour: codes of one symbol need no bits, so a picture of any size takes 20 bytes.
// https://www.rfc-editor.org/rfc/rfc9649.html#section-3
func plainVP8L(w, h int, c color.RGBA) []byte {
	var b bits
	b.write(0x2f, 8)
	b.write(uint32(w-1), 14)
	b.write(uint32(h-1), 14)
	b.write(0, 1+3) // no alpha, version 0
	b.write(0, 1)   // no transform
	b.write(0, 1)   // no colour cache
	b.write(0, 1)   // one group of codes
	for _, v := range []byte{c.G, c.R, c.B, c.A, 0} {
		b.write(1, 1) // a simple code
		b.write(0, 1) // of one symbol
		b.write(1, 1) // of 8 bits
		b.write(uint32(v), 8)
	}
	return b.bytes
}

// extended is a WebP file with a canvas of w × h and the given chunks.
func extended(w, h int, flags byte, chunks ...[]byte) []byte {
	head := []byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), byte((w - 1) >> 16), byte(h - 1), byte((h - 1) >> 8), byte((h - 1) >> 16)}
	file := alone("VP8X", head)
	for _, c := range chunks {
		file = append(file, c...)
	}
	binary.LittleEndian.PutUint32(file[4:], uint32(len(file)-8))
	return file
}

// chunk is one chunk of a WebP file.
func chunk(id string, data []byte) []byte { return alone(id, data)[12:] }

// scans is a progressive JPEG, grey, of side × side, that goes n times over all of its blocks and changes none. A pass takes 48 bytes and some
// milliseconds.
func scans(side, n int) []byte {
	b := []byte{0xff, 0xd8}
	b = append(b, 0xff, 0xc2, 0, 11, 8, byte(side>>8), byte(side), byte(side>>8), byte(side), 1, 1, 0x11, 0)
	b = append(append(b, 0xff, 0xdb, 0, 67, 0), bytes.Repeat([]byte{1}, 64)...)
	code := func(class, symbol byte) []byte { // one code of one bit
		return append(append([]byte{0xff, 0xc4, 0, 20, class << 4, 1}, make([]byte, 15)...), symbol)
	}
	b = append(append(b, code(0, 0)...), code(1, 0xe0)...)
	blocks := ((side + 7) / 8) * ((side + 7) / 8)
	b = append(b, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0) // the averages, all zero
	b = append(b, make([]byte, (blocks+7)/8+1)...)
	var pass []byte
	pass = append(pass, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0)
	var run bitsOfJPEG
	for left := blocks; left > 0; {
		// The end of 16,384 blocks, and of as many as 14 bits add. All ones would look like a marker.
		more := min(max(left-1<<14, 0), 1<<14-2)
		run.write(0, 1)
		run.write(uint32(more), 14)
		left -= 1<<14 + more
	}
	pass = append(pass, run.bytes...)
	b = append(b, bytes.Repeat(pass, n)...)
	return append(b, 0xff, 0xd9)
}

// bitsOfJPEG are written the highest first, and after 0xff stands a zero.
type bitsOfJPEG struct {
	bytes []byte
	n     int
}

func (b *bitsOfJPEG) write(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if b.n%8 == 0 {
			if n := len(b.bytes); n > 0 && b.bytes[n-1] == 0xff {
				b.bytes = append(b.bytes, 0)
			}
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[len(b.bytes)-1] |= byte(v>>i&1) << (7 - b.n%8)
		b.n++
	}
}
