package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrLocked says that another process works on the same data folder.
var ErrLocked = errors.New("data folder is in use")

// Folder is a data folder that we alone work on, until Close or the end of our process.
type Folder struct {
	Path string // absolute
	lock *os.File
}

// OpenFolder makes the folder if it is missing and locks it. A folder that another process has open gives ErrLocked with
// that process's id.
func OpenFolder(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // the engines' users must pass; all files of ours in it are 0600
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	// The lock is the kernel's: it ends with us, whatever is in the file.
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		var pid int
		if _, err := fmt.Fscan(lock, &pid); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrLocked, path)
		}
		return nil, fmt.Errorf("%w: %s, by process %d", ErrLocked, path, pid)
	}
	if err := errors.Join(lock.Truncate(0), writeAt(lock, fmt.Sprintln(os.Getpid()))); err != nil {
		lock.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Folder{Path: path, lock: lock}, nil
}

// askLock is how often waitFolder looks again.
const askLock = 50 * time.Millisecond

// waitFolder is OpenFolder that waits for its turn until ctx ends.
func waitFolder(ctx context.Context, path string) (*Folder, error) {
	for {
		folder, err := OpenFolder(path)
		if !errors.Is(err, ErrLocked) {
			return folder, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(askLock):
		}
	}
}

// Close lets others have the folder.
func (f *Folder) Close() error { return f.lock.Close() }

// Engine is the folder of one engine in it.
func (f *Folder) Engine(name string) string { return filepath.Join(f.Path, name) }

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}
