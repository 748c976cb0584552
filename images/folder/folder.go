// Package folder keeps pictures in a folder: of this machine, or one that gateways share. Files lie under the first two digits of their digest, so
// that no folder gets too large: "3f/3f9a…/thumb.jpg".
package folder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"

	"usher/images"
)

// Store is a folder of pictures. Whatever lies in it, nothing outside it is ever read or written.
type Store struct{ root *os.Root }

// Open opens a folder, which is made if it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("folder of pictures: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of pictures: %w", err)
	}
	return &Store{root}, nil
}

// Close closes the folder. Pictures that are open stay so.
func (s *Store) Close() error { return s.root.Close() }

// file is where a picture lies.
func file(n images.Name) string { return n.Digest.String()[:2] + "/" + n.String() }

// Put writes a file beside its place and links it there when it is whole and on the disk. A link, unlike a renaming, never replaces what is there.
func (s *Store) Put(ctx context.Context, n images.Name, jpeg []byte) error {
	if len(jpeg) > images.MaxObject {
		return fmt.Errorf("put %s: %d bytes: %w", n, len(jpeg), images.ErrTooLarge)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("put %s: %w", n, err)
	}
	if err := s.put(file(n), jpeg); err != nil {
		return fmt.Errorf("put %s: %w", n, err)
	}
	return nil
}

func (s *Store) put(name string, jpeg []byte) (err error) {
	if err := s.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	part := path.Dir(name) + "/." + rand.Text()
	f, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.root.Remove(part)) }()
	_, err = f.Write(jpeg)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := s.root.Link(part, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.sync(path.Dir(name))
}

// sync brings the names in a folder to the disk: a power cut after Put takes nothing.
func (s *Store) sync(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open opens a picture.
func (s *Store) Open(ctx context.Context, n images.Name) (*images.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", n, err)
	}
	f, err := s.root.Open(file(n))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, images.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n, err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("open %s: no regular file", n), err, f.Close())
	}
	// Files are never changed, only made: one that is made again, by another version of this program, has another time.
	tag := strconv.FormatInt(info.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(info.Size(), 36)
	return &images.Object{ReadCloser: f, Size: info.Size(), Tag: tag}, nil
}

// Has reports whether a picture is there.
func (s *Store) Has(ctx context.Context, n images.Name) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("look for %s: %w", n, err)
	}
	_, err := s.root.Stat(file(n))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look for %s: %w", n, err)
	}
	return err == nil, nil
}
