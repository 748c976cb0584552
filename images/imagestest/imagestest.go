// Package imagestest holds every store of pictures to what images.Store promises.
package imagestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"testing"

	"usher/images"
)

// Run holds a store to its promises. open opens one and the same place each time for one t; places of different t are different.
func Run(t *testing.T, open func(t *testing.T) images.Store) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if err := p.keep(t.Context(), func() images.Store { return open(t) }); err != nil {
				t.Error(err)
			}
		})
	}
}

// promise is one thing that must hold; keep returns how it does not.
type promise struct {
	name string
	keep func(ctx context.Context, open func() images.Store) error
}

var promises = []promise{
	{"WhatIsPutIsThereForEverybody", whatIsPutIsThere},
	{"ATakenNameKeepsWhatItHas", aTakenNameKeepsWhatItHas},
	{"WhatWasNotPutIsNotThere", whatWasNotPutIsNotThere},
	{"NobodySeesPartOfAPicture", nobodySeesPart},
	{"TagsTellBytesApart", tagsTellBytesApart},
	{"NothingTooLargeIsTaken", nothingTooLargeIsTaken},
	{"ACancelledCallDoesNothing", aCancelledCallDoesNothing},
}

func name(text string, v images.Variant) images.Name {
	return images.Name{Digest: images.Of([]byte(text)), Variant: v}
}

// holds reports how what is kept under a name is not what it should be, or returns its tag.
func holds(ctx context.Context, s images.Store, n images.Name, want []byte) (tag string, err error) {
	if there, err := s.Has(ctx, n); err != nil || !there {
		return "", fmt.Errorf("%s: has it: %t, %w", n, there, err)
	}
	o, err := s.Open(ctx, n)
	if err != nil {
		return "", fmt.Errorf("%s is not opened: %w", n, err)
	}
	got, err := io.ReadAll(o)
	if err := errors.Join(err, o.Close()); err != nil {
		return "", fmt.Errorf("%s is not read: %w", n, err)
	}
	if o.Size != int64(len(got)) {
		return "", fmt.Errorf("%s has %d bytes and says %d", n, len(got), o.Size)
	}
	if !bytes.Equal(got, want) {
		return "", fmt.Errorf("%s is not as it was put: %d bytes, want %d", n, len(got), len(want))
	}
	return o.Tag, nil
}

func whatIsPutIsThere(ctx context.Context, open func() images.Store) error {
	s := open()
	for _, shape := range images.Shapes {
		for _, text := range []string{"owls", "ferries"} {
			n := name(text, shape.Variant)
			if err := s.Put(ctx, n, []byte(n.String())); err != nil {
				return err
			}
		}
	}
	large := bytes.Repeat([]byte("large"), images.MaxObject/5)
	if err := s.Put(ctx, name("large", images.Full), large); err != nil {
		return err
	}
	other := open()
	for _, shape := range images.Shapes {
		for _, text := range []string{"owls", "ferries"} {
			n := name(text, shape.Variant)
			if _, err := holds(ctx, other, n, []byte(n.String())); err != nil {
				return err
			}
		}
	}
	_, err := holds(ctx, other, name("large", images.Full), large)
	return err
}

func aTakenNameKeepsWhatItHas(ctx context.Context, open func() images.Store) error {
	s, n := open(), name("owls", images.Card)
	for _, bytes := range []string{"first", "second"} {
		if err := s.Put(ctx, n, []byte(bytes)); err != nil {
			return fmt.Errorf("put %s: %w", bytes, err)
		}
	}
	_, err := holds(ctx, s, n, []byte("first"))
	return err
}

func whatWasNotPutIsNotThere(ctx context.Context, open func() images.Store) error {
	s := open()
	if err := s.Put(ctx, name("owls", images.Card), []byte("x")); err != nil {
		return err
	}
	for _, n := range []images.Name{name("owls", images.Thumb), name("nobody", images.Card)} {
		if o, err := s.Open(ctx, n); !errors.Is(err, images.ErrNotFound) || o != nil {
			return fmt.Errorf("%s, which was never put: %v, %w", n, o, err)
		}
		if there, err := s.Has(ctx, n); there || err != nil {
			return fmt.Errorf("%s, which was never put, is there: %t, %w", n, there, err)
		}
	}
	return nil
}

// nobodySeesPart writes a picture from several sides while others read it: they find nothing, or all of one.
func nobodySeesPart(ctx context.Context, open func() images.Store) error {
	const writers, readers, size = 4, 4, 1 << 20
	s, n := open(), name("owls", images.Full)
	faults := make(chan error, writers+readers)
	written := make(chan struct{})
	var writing, reading sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			if err := s.Put(ctx, n, bytes.Repeat([]byte{byte('a' + i)}, size)); err != nil {
				faults <- err
			}
		})
	}
	for range readers {
		reading.Go(func() {
			for last := false; ; {
				if err := whole(ctx, s, n, size, last); err != nil {
					faults <- err
					return
				}
				if last {
					return
				}
				select {
				case <-written:
					last = true
				default:
				}
			}
		})
	}
	writing.Wait()
	close(written)
	reading.Wait()
	close(faults)
	return <-faults
}

// whole reports a picture that is not all of one; it may be missing unless it must be there.
func whole(ctx context.Context, s images.Store, n images.Name, size int, must bool) error {
	o, err := s.Open(ctx, n)
	if errors.Is(err, images.ErrNotFound) && !must {
		return nil
	}
	if err != nil {
		return err
	}
	got, err := io.ReadAll(o)
	if err := errors.Join(err, o.Close()); err != nil {
		return err
	}
	if len(got) != size || bytes.Count(got, got[:1]) != size {
		return fmt.Errorf("%d bytes were seen, not all of one picture of %d", len(got), size)
	}
	return nil
}

var tagForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)

func tagsTellBytesApart(ctx context.Context, open func() images.Store) error {
	s := open()
	seen := map[string]string{}
	for _, text := range []string{"one", "another", "one more"} {
		n := name(text, images.Wide)
		if err := s.Put(ctx, n, []byte(text)); err != nil {
			return err
		}
		tag, err := holds(ctx, s, n, []byte(text))
		if err != nil {
			return err
		}
		if again, err := holds(ctx, open(), n, []byte(text)); err != nil || again != tag {
			return fmt.Errorf("the tag %q was %q before: %w", again, tag, err)
		}
		if !tagForm.MatchString(tag) {
			return fmt.Errorf("the tag %q has other characters than letters, digits and hyphens", tag)
		}
		if before, twice := seen[tag]; twice {
			return fmt.Errorf("%q and %q have one tag", before, text)
		}
		seen[tag] = text
	}
	return nil
}

func nothingTooLargeIsTaken(ctx context.Context, open func() images.Store) error {
	s, n := open(), name("owls", images.Full)
	if err := s.Put(ctx, n, make([]byte, images.MaxObject+1)); !errors.Is(err, images.ErrTooLarge) {
		return fmt.Errorf("a byte too many: %w", err)
	}
	if there, err := s.Has(ctx, n); there || err != nil {
		return fmt.Errorf("what was refused is there: %t, %w", there, err)
	}
	return nil
}

func aCancelledCallDoesNothing(ctx context.Context, open func() images.Store) error {
	s, n := open(), name("owls", images.Full)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Put(gone, n, []byte("x")); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("a cancelled Put: %w", err)
	}
	if there, err := s.Has(ctx, n); there || err != nil {
		return fmt.Errorf("a cancelled Put has put: %t, %w", there, err)
	}
	if _, err := s.Has(gone, n); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("a cancelled Has: %w", err)
	}
	if _, err := s.Open(gone, n); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("a cancelled Open: %w", err)
	}
	return nil
}
