package local

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the unprivileged user that an engine runs as when we are root: Postgres refuses root, and Redis can write
// any file that its user can.
type account struct {
	name     string
	uid, gid uint32
	caps     []uintptr // what it needs to reach its folder through closed ones
	asks     bool      // its program asks the kernel first (access) whether it may, as Java does
}

// openFolder makes the engine's folder if it is missing and says who shall run the engine: nil for ourselves, which is
// always so unless we are root. An existing folder keeps its owner, a new one gets the first of names that exists.
func openFolder(dir string, names ...string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, os.MkdirAll(dir, 0o700)
	}
	// Folders on the way are ours: others may pass, not look.
	if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	a, err := owner(dir)
	if err == nil && a == nil {
		a, err = lookup(names)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(a.uid), int(a.gid)); err != nil {
		return nil, err
	}
	return a, a.reach(dir)
}

// reach sees to it that the account can come to dir; a nil account is ourselves.
func (a *account) reach(dir string) error {
	if a == nil {
		return nil
	}
	if closed := a.closedParent(dir); closed != "" {
		if a.caps = walkThrough(); a.caps == nil {
			return fmt.Errorf("user %s, who runs the engine, cannot enter %s: choose a folder that others can enter", a.name, closed)
		}
	}
	return nil
}

// owner is the account that owns dir, or nil for root.
func owner(dir string) (*account, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	if stat.Uid == 0 {
		return nil, nil
	}
	return &account{name: "#" + strconv.Itoa(int(stat.Uid)), uid: stat.Uid, gid: stat.Gid}, nil
}

func lookup(names []string) (*account, error) {
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("no unprivileged user among %q to run an engine as", names)
}

// closedParent is the first folder above dir that the account may not pass, or "".
func (a *account) closedParent(dir string) string {
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return parent
		}
		stat, mode := info.Sys().(*syscall.Stat_t), info.Mode()
		pass := mode & 0o001
		switch {
		case stat.Uid == a.uid:
			pass = mode & 0o100
		case stat.Gid == a.gid:
			pass = mode & 0o010
		}
		if pass == 0 {
			return parent
		}
		if parent == filepath.Dir(parent) {
			return ""
		}
	}
}

// give hands a file that we wrote to the account; a nil account is ourselves.
func (a *account) give(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}
