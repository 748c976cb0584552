package catalog

import (
	"errors"
	"time"
)

// ErrBadCursor reports a tickets cursor that is not one of ours.
var ErrBadCursor = errors.New("the cursor is not valid")

// View is a rendered answer: rendered once per version and served to everybody.
type View struct {
	Body  []byte        // JSON; callers must not change it
	ETag  string        // strong, with quotes
	Stale time.Duration // above zero: a store is away and the view may be so old
}
