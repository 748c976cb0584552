package intake

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/image/webp"

	"usher/images"
)

// shelf is a store in memory that counts what is put.
type shelf struct {
	mu    sync.Mutex // guards all below
	files map[images.Name][]byte
	puts  int
	err   error
}

func newShelf() *shelf { return &shelf{files: map[images.Name][]byte{}} }

func (s *shelf) Put(_ context.Context, n images.Name, jpeg []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	s.files[n] = jpeg
	return s.err
}

func (s *shelf) Open(context.Context, images.Name) (*images.Object, error) {
	return nil, errors.New("an intake reads nothing")
}

func (s *shelf) Has(_ context.Context, n images.Name) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.files[n]
	return there, s.err
}

// taken is a picture that was taken in, by variant.
func taken(t *testing.T, file []byte) map[images.Variant]image.Image {
	t.Helper()
	s := newShelf()
	d, err := New(s).Add(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	out := map[images.Variant]image.Image{}
	for _, shape := range images.Shapes {
		m, err := jpeg.Decode(bytes.NewReader(s.files[images.Name{Digest: d, Variant: shape.Variant}]))
		if err != nil {
			t.Fatalf("%s: %v", shape.Variant, err)
		}
		out[shape.Variant] = m
	}
	return out
}

func refused(t *testing.T, why string, file []byte, want string) {
	t.Helper()
	s := newShelf()
	_, err := New(s).Add(t.Context(), file)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want …%s…", why, err, want)
	}
	if s.puts > 0 {
		t.Errorf("%s: %d files were put", why, s.puts)
	}
}

// near reports whether two colours look the same.
func near(a, b color.Color) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	far := func(x, y uint32) bool { return max(x, y)-min(x, y) > 0x2000 }
	return !far(r1, r2) && !far(g1, g2) && !far(b1, b2)
}

// shows reports a picture whose corners have other colours: top left, top right, bottom left, bottom right.
func shows(t *testing.T, why string, m image.Image, corners ...color.Color) {
	t.Helper()
	b := m.Bounds()
	for i, want := range corners {
		x, y := b.Min.X+b.Dx()/8+i%2*b.Dx()*3/4, b.Min.Y+b.Dy()/8+i/2*b.Dy()*3/4
		if got := m.At(x, y); !near(got, want) {
			t.Errorf("%s: corner %d is %v, want %v", why, i, got, want)
		}
	}
}

func TestEveryFormatIsTakenInInEveryShape(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{"JPEG": asJPEG(t, flag(800, 450)), "PNG": asPNG(t, flag(800, 450)), "GIF": asGIF(t, flag(800, 450))} {
		for _, m := range taken(t, file) {
			shows(t, name, m, red, green, blue, white)
		}
	}
	for _, m := range taken(t, alone("VP8L", plainVP8L(800, 450, red))) {
		shows(t, "WebP", m, red, red, red, red)
	}
}

func TestShapesAreCutAndNeverEnlarged(t *testing.T) {
	t.Parallel()
	f := func(w, h int, want string) {
		t.Helper()
		var got []string
		pictures := taken(t, asJPEG(t, flag(w, h)))
		for _, s := range images.Shapes {
			got = append(got, pictures[s.Variant].Bounds().Size().String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d × %d becomes %s, want %s", w, h, got, want)
		}
	}
	f(4000, 3000, "(320,320) (800,450) (1600,900) (1600,1200)")
	f(3000, 4000, "(320,320) (800,450) (1200,675) (1200,1600)")
	f(1600, 900, "(320,320) (800,450) (1600,900) (1600,900)")
	f(300, 200, "(200,200) (300,168) (300,168) (300,200)")
	f(64, 64, "(64,64) (64,36) (64,36) (64,64)")
	f(5000, 1000, "(320,320) (568,320) (568,320) (1600,320)")
}

func TestAPictureIsTurnedAsItsCameraWasHeld(t *testing.T) {
	t.Parallel()
	stored := asJPEG(t, flag(640, 480))
	for orientation, corners := range map[uint16][]color.Color{
		0: {red, green, blue, white}, 1: {red, green, blue, white}, 2: {green, red, white, blue}, 3: {white, blue, green, red}, 4: {blue, white, red, green},
		5: {red, blue, green, white}, 6: {blue, red, white, green}, 7: {white, green, blue, red}, 8: {green, white, red, blue}, 9: {red, green, blue, white},
	} {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			m := taken(t, jpegWith(stored, exifOf(order, orientation, "x")))[images.Full]
			shows(t, "orientation "+string(rune('0'+orientation)), m, corners...)
			if upright := m.Bounds().Dx() == 640; upright == (orientation >= 5 && orientation <= 8) {
				t.Errorf("orientation %d: %v", orientation, m.Bounds())
			}
		}
	}
	turned := exifOf(binary.BigEndian, 6, "x")
	shows(t, "PNG", taken(t, pngWith(asPNG(t, flag(640, 480)), "eXIf", turned))[images.Full], blue, red, white, green)
	for _, exif := range [][]byte{turned, append(exifMark[:6:6], turned...)} {
		w := extended(640, 480, 0x08, chunk("VP8L", plainVP8L(640, 480, red)), chunk("EXIF", exif))
		if m := taken(t, w)[images.Full]; m.Bounds().Dx() != 480 {
			t.Errorf("WebP: %v", m.Bounds())
		}
	}
}

// No byte of a file is passed on: not where it was taken, and nothing that hides behind the picture.
func TestNothingButThePictureIsKept(t *testing.T) {
	t.Parallel()
	const secret = "45.4215 N 75.6972 W"
	photo := append(jpegWith(asJPEG(t, flag(640, 480)), exifOf(binary.BigEndian, 1, secret)), "<script>"+secret+"</script>"...)
	for why, file := range map[string][]byte{"JPEG": photo, "PNG": append(pngWith(asPNG(t, flag(640, 480)), "tEXt", []byte("a\x00"+secret)), secret...)} {
		if !bytes.Contains(file, []byte(secret)) {
			t.Fatalf("%s: the file has no secret", why)
		}
		s := newShelf()
		if _, err := New(s).Add(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		for n, kept := range s.files {
			if bytes.Contains(kept, []byte(secret)) {
				t.Errorf("%s: %s tells the secret", why, n.Variant)
			}
		}
	}
}

func TestWhatIsTransparentIsWhite(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 640, 360))
	for y := range 360 {
		for x := range 640 {
			m.Set(x, y, color.NRGBA{200, 30, 30, byte(255 * (2 * x / 640))})
		}
	}
	shows(t, "half a picture", taken(t, asPNG(t, m))[images.Card], white, red, white, red)
}

func TestAnEventsPicturesWeighLessThanAMegabyte(t *testing.T) {
	t.Parallel()
	s := newShelf()
	if _, err := New(s).Add(t.Context(), asJPEG(t, noise(1700, 1700))); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, shape := range images.Shapes {
		for n, file := range s.files {
			if n.Variant == shape.Variant {
				sum += len(file)
				if len(file) > shape.Bytes {
					t.Errorf("%s of noise weighs %d bytes, want at most %d", n.Variant, len(file), shape.Bytes)
				}
			}
		}
	}
	if sum == 0 || sum > 1_000_000 {
		t.Errorf("%d bytes", sum)
	}
}

func TestTheSameFileIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := newShelf()
	in := New(s)
	file := asJPEG(t, flag(640, 480))
	first, err := in.Add(t.Context(), file)
	if err != nil || s.puts != len(images.Shapes) {
		t.Fatalf("%d files, %v", s.puts, err)
	}
	again, err := in.Add(t.Context(), file)
	if err != nil || again != first || s.puts != len(images.Shapes) {
		t.Errorf("again: %d files, %v", s.puts, err)
	}
	// An import that was cut short before the last variant makes them all again.
	delete(s.files, images.Name{Digest: first, Variant: images.Full})
	if _, err := in.Add(t.Context(), file); err != nil || s.puts != 2*len(images.Shapes) {
		t.Errorf("after a cut: %d files, %v", s.puts, err)
	}
}

// A file of 300 KB says that it is two and a half billion pixels, and it is. One of the same making with fewer pixels is taken.
func TestADecompressionBombIsRefused(t *testing.T) {
	t.Parallel()
	bomb := blackPNG(t, 50_000)
	if len(bomb) > MaxBytes {
		t.Fatalf("the bomb has %d bytes: another bound would refuse it", len(bomb))
	}
	refused(t, "50,000 × 50,000", bomb, "50000 × 50000 pixels, want at most 40 million")
	black := color.RGBA{A: 255}
	shows(t, "5,000 × 5,000", taken(t, blackPNG(t, 5000))[images.Thumb], black, black, black, black)
	refused(t, "a lossless WebP of 30 bytes", alone("VP8L", plainVP8L(16_384, 16_384, red)), "16384 × 16384 pixels")
}

// The decoder of WebP believes the canvas when it is asked for the size, and the frame when it decodes.
func TestAWebPThatHidesALargeFrameIsRefused(t *testing.T) {
	t.Parallel()
	bomb := extended(64, 64, 0, chunk("VP8L", plainVP8L(16_384, 16_384, red)))
	if c, err := webp.DecodeConfig(bytes.NewReader(bomb)); err != nil || c.Width != 64 {
		t.Fatalf("the file does not hide its frame: %d, %v", c.Width, err)
	}
	refused(t, "a frame larger than its canvas", bomb, "do not fit")
	refused(t, "a frame smaller than its canvas", extended(640, 480, 0, chunk("VP8L", plainVP8L(320, 240, red))), "do not fit")
	refused(t, "two frames", extended(64, 64, 0, chunk("VP8L", plainVP8L(64, 64, red)), chunk("VP8L", plainVP8L(64, 64, red))), "do not fit")
	refused(t, "no frame", extended(64, 64, 0), "do not fit")
	refused(t, "a lossless frame of many codes", alone("VP8L", append(plainVP8L(64, 64, red), make([]byte, maxLossless)...)), "lossless frame of more than 2 MB")
	taken(t, extended(64, 64, 0, chunk("VP8L", plainVP8L(64, 64, red))))
}

// Few bytes of a progressive JPEG make a decoder go over the whole picture again.
func TestAFileThatTakesTooLongIsRefused(t *testing.T) {
	t.Parallel()
	bomb := scans(5000, 100_000)
	if len(bomb) > MaxBytes {
		t.Fatalf("the bomb has %d bytes: another bound would refuse it", len(bomb))
	}
	in := New(newShelf())
	in.timeout = 300 * time.Millisecond
	if _, err := in.Add(t.Context(), bomb); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "takes longer than 300ms") {
		t.Errorf("100,000 passes: %v", err)
	}
	grey := color.RGBA{128, 128, 128, 255}
	shows(t, "3 passes", taken(t, scans(640, 3))[images.Full], grey, grey, grey, grey)
}

func TestPicturesUnderWayAreBoundedTogether(t *testing.T) {
	t.Parallel()
	in := New(newShelf())
	file := asJPEG(t, flag(640, 480))
	if err := in.pixels.Acquire(t.Context(), maxPixels); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := in.Add(ctx, file); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrRefused) {
		t.Errorf("while others take it all: %v", err)
	}
	in.pixels.Release(maxPixels)
	if _, err := in.Add(t.Context(), file); err != nil {
		t.Error(err)
	}
	if !in.pixels.TryAcquire(maxPixels) {
		t.Error("pixels were not given back")
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	whole := asJPEG(t, flag(640, 480))
	refused(t, "nothing", nil, "no JPEG, PNG, GIF or WebP")
	refused(t, "a page", []byte("<html><script>alert(1)</script>"), "no JPEG, PNG, GIF or WebP")
	refused(t, "a drawing", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "no JPEG, PNG, GIF or WebP")
	refused(t, "half a picture", whole[:len(whole)/2], "no whole JPEG")
	refused(t, "half a header", whole[:20], "header cannot be read")
	refused(t, "half a PNG", asPNG(t, noise(100, 100))[:5000], "no whole PNG")
	refused(t, "an icon", asPNG(t, flag(63, 64)), "at least 64 × 64")
	refused(t, "a line", asPNG(t, flag(1000, 100)), "one side at most 5 times the other")
	refused(t, "too many bytes", append(whole, make([]byte, MaxBytes)...), "want at most 10485760")
}

// A store that fails is no fault of the picture: the import stops instead of leaving events out.
func TestAStoreThatFailsIsNoRefusal(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.err = errors.New("the disk is full")
	if _, err := New(s).Add(t.Context(), asJPEG(t, flag(64, 64))); !errors.Is(err, s.err) || errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(newShelf()).Add(ctx, asJPEG(t, flag(64, 64))); !errors.Is(err, context.Canceled) || errors.Is(err, ErrRefused) {
		t.Errorf("cancelled: %v", err)
	}
}

// A decoder that panics refuses its file, and the next one is taken.
func TestADecoderThatPanicsRefuses(t *testing.T) {
	t.Parallel()
	h := header{format: &format{name: "odd", decode: formats[0].decode}, width: 64, height: 64, orientation: upright}
	file := asJPEG(t, flag(64, 64))
	if m, err := decode(t.Context(), h, file); err != nil || m == nil {
		t.Fatalf("the control: %v", err)
	}
	h.decode = nil // calling it panics
	if _, err := decode(t.Context(), h, file); !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
}
