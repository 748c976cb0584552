// Package keyfile writes files of keys. They appear whole or not at all, and are readable by their owner only unless he has said otherwise.
package keyfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Make writes a file unless there is one; that is left alone, also when two processes begin at once.
func Make(path string, content []byte) error {
	if _, err := os.Stat(path); err == nil { // in a folder, maybe, where nothing can be written
		return nil
	}
	if err := write(path, content, 0o600, os.Link); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
}

// Replace writes a file anew, with the rights that it has; it is there all the time, as it was or as it shall be.
func Replace(path string, content []byte) error {
	old, err := os.Stat(path)
	if err != nil {
		return err
	}
	return write(path, content, old.Mode().Perm(), os.Rename)
}

// write writes a file beside the path, and lets place put it there.
func write(path string, content []byte, rights os.FileMode, place func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // for the owner only
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(rights), f.Sync(), f.Close()); err != nil {
		return err
	}
	return place(f.Name(), path)
}

// Changed returns the content of a file of keys, which is the JSON of a T, after a change. It is checked before and after.
func Changed[T any](content []byte, check func([]byte) error, change func(*T)) ([]byte, error) {
	if err := check(content); err != nil {
		return nil, err
	}
	var file T
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, err
	}
	change(&file)
	out, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, err
	}
	return out, check(out)
}
