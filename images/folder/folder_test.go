package folder

import (
	"os"
	"path/filepath"
	"testing"

	"usher/images"
	"usher/images/imagestest"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAFolderKeepsThePromisesOfAStore(t *testing.T) {
	t.Parallel()
	dirs := t.TempDir()
	imagestest.Run(t, func(t *testing.T) images.Store { return open(t, filepath.Join(dirs, filepath.Base(t.Name()))) })
}

var owls = images.Name{Digest: images.Of([]byte("owls")), Variant: images.Card}

// What somebody has put into the folder beside us leads nowhere else.
func TestNothingOutsideTheFolderIsReached(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(outside, owls.Digest.String()), 0o755); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(outside, filepath.FromSlash(owls.String()))
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, owls.Digest.String()[:2])); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if o, err := s.Open(t.Context(), owls); err == nil {
		t.Errorf("a file outside was opened: %d bytes", o.Size)
	}
	other := owls
	other.Variant = images.Thumb
	if err := s.Put(t.Context(), other, []byte("x")); err == nil {
		t.Error("a file was written outside")
	}
	if there, err := s.Has(t.Context(), owls); there || err == nil {
		t.Errorf("a file outside was found: %t %v", there, err)
	}
	// The control: the same place without the link.
	if err := os.Remove(filepath.Join(dir, owls.Digest.String()[:2])); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), owls, []byte("x")); err != nil {
		t.Error(err)
	}
}

func TestNothingIsLeftBeside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for range 3 {
		if err := s.Put(t.Context(), owls, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, "*", "*", ".*"))
	if err != nil || len(files) != 1 || len(hidden) != 0 {
		t.Errorf("%q %q, %v", files, hidden, err)
	}
}

func TestAFolderThatCannotBeMadeIsTold(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "images")); err == nil {
		t.Error("a folder below a file was opened")
	}
}
