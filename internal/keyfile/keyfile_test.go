package keyfile

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsMadeOnceAndReplacedWithItsRights(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keys")
	is := func(when, want string, rights os.FileMode) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil || string(b) != want {
			t.Errorf("%s: %q, %v; want %q", when, b, err, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != rights {
			t.Errorf("%s: rights %v, %v; want %v", when, info.Mode(), err, rights)
		}
	}
	if err := Replace(path, []byte("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("replacing what is not there: %v", err)
	}
	if err := errors.Join(Make(path, []byte("one")), Make(path, []byte("two"))); err != nil {
		t.Fatal(err)
	}
	is("made", "one", 0o600)
	if err := errors.Join(os.Chmod(path, 0o640), Replace(path, []byte("three"))); err != nil {
		t.Fatal(err)
	}
	is("replaced", "three", 0o640)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside it lies %v, %v", left, err)
	}
	if err := Make(filepath.Join(dir, "no", "folder"), nil); err == nil {
		t.Error("a file is made where there is no folder")
	}
}

func TestAChangeIsCheckedBeforeAndAfter(t *testing.T) {
	t.Parallel()
	type keys struct{ N int }
	odd := errors.New("odd")
	check := func(b []byte) (err error) {
		var k keys
		if err = json.Unmarshal(b, &k); err == nil && k.N%2 == 1 {
			err = odd
		}
		return err
	}
	add := func(n int) func(*keys) { return func(k *keys) { k.N += n } }
	if b, err := Changed([]byte(`{"N":2}`), check, add(2)); err != nil || string(b) != "{\n  \"N\": 4\n}" {
		t.Errorf("%s, %v", b, err)
	}
	for before, n := range map[string]int{`{"N":2}`: 1, `{"N":3}`: 1} {
		if _, err := Changed([]byte(before), check, add(n)); !errors.Is(err, odd) {
			t.Errorf("%s and %d: %v", before, n, err)
		}
	}
}
