//go:build unix && !linux

package local

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes has no parent-death signal to set here: after a kill -9 of ours, children live until the next start.
func attributes(_ syscall.Signal, a *account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

// walkThrough: there are no capabilities here.
func walkThrough() []uintptr { return nil }

// beforeFork has nothing to set up here.
func beforeFork(*account) (undo func(), err error) { return func() {}, nil }

// startTime identifies a process together with its pid, or is "" when it does not run.
func startTime(pid int) string {
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
