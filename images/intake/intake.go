package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"usher/images"
)

const (
	// MaxBytes bounds the file of a picture.
	MaxBytes = 10 << 20
	// maxPixels bounds a picture, and all that are decoded at once. A decoder needs at most 20 bytes a pixel (a progressive JPEG of four
	// components keeps its coefficients), a usual photograph 1.5: 800 MB at the very worst, 60 MB as a rule.
	maxPixels = 40_000_000
	minSide   = 64 // pixels: anything smaller is an icon, or counts visitors
	maxAspect = 5  // a banner that is longer has nothing left when it is cut
	// decodeTime bounds one picture. 40 million pixels take 1 to 2 s on one core; a file can be made that takes hours.
	decodeTime = 20 * time.Second
)

// ErrRefused reports a file that is not taken; its message says why. Any other error is the store's.
var ErrRefused = errors.New("the picture is refused")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// Intake takes pictures into one store. It may be used by many at once.
type Intake struct {
	store   images.Store
	pixels  *semaphore.Weighted // of the pictures that are decoded now
	timeout time.Duration       // for one picture
}

// New returns an intake into a store.
func New(s images.Store) *Intake {
	return &Intake{store: s, pixels: semaphore.NewWeighted(maxPixels), timeout: decodeTime}
}

// Add takes a picture in and returns its name. A file that was taken before costs one look into the store.
func (in *Intake) Add(ctx context.Context, file []byte) (d images.Digest, err error) {
	if len(file) > MaxBytes {
		return d, refuse("%d bytes, want at most %d", len(file), MaxBytes)
	}
	d = images.Of(file)
	last := images.Shapes[len(images.Shapes)-1].Variant
	if there, err := in.store.Has(ctx, images.Name{Digest: d, Variant: last}); err != nil || there {
		return d, err
	}
	variants, err := in.develop(ctx, file)
	if err != nil {
		return d, err
	}
	for i, shape := range images.Shapes {
		if err := in.store.Put(ctx, images.Name{Digest: d, Variant: shape.Variant}, variants[i]); err != nil {
			return d, err
		}
	}
	return d, nil
}

// develop makes the variants of a file, in the order of images.Shapes.
func (in *Intake) develop(ctx context.Context, file []byte) ([][]byte, error) {
	h, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	pixels := int64(h.width) * int64(h.height)
	if err := in.pixels.Acquire(ctx, pixels); err != nil {
		return nil, fmt.Errorf("wait for other pictures: %w", err)
	}
	defer in.pixels.Release(pixels)
	limited, cancel := context.WithTimeout(ctx, in.timeout)
	defer cancel()
	whole, err := decode(limited, h, file)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("decode a picture: %w", ctx.Err())
	case limited.Err() != nil:
		return nil, refuse("it takes longer than %s to decode", in.timeout)
	case err != nil:
		return nil, err
	}
	return shapes(whole)
}
