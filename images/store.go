package images

import (
	"context"
	"errors"
	"io"
)

// Store keeps pictures. Package imagestest holds every store to this:
//
// What Put has been told is there with its bytes, for everybody who opens the store, when Put returns. A name that is taken keeps what it has, and
// that is no error: equal names are equal pictures, and whoever has one may keep it for ever. Nobody ever sees part of a picture. Put
// refuses more than MaxObject bytes, and nothing is stored when it fails. Open and Has know only what Put was told, and answer ErrNotFound and false
// for the rest; any other error means that the store is away. All of it may be called at once.
type Store interface {
	Put(ctx context.Context, n Name, jpeg []byte) error
	// Open returns what is kept under a name; the caller closes it. It may be read until ctx ends.
	Open(ctx context.Context, n Name) (*Object, error)
	Has(ctx context.Context, n Name) (bool, error)
}

// Object is a picture that is being read.
type Object struct {
	io.ReadCloser
	Size int64  // bytes
	Tag  string // letters, digits and hyphens, the same for the same bytes under the name and for no others: an ETag without its quotes
}

// MaxObject bounds what is kept under a name, in bytes. What package intake makes is far below.
const MaxObject = 4 << 20

// ErrNotFound reports that nothing is kept under a name.
var ErrNotFound = errors.New("no such picture")

// ErrTooLarge reports more than MaxObject bytes.
var ErrTooLarge = errors.New("the picture is larger than a store takes")
