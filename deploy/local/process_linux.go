package local

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The capabilities that let a process walk through folders closed to its user, the weaker one first.
const (
	capReadSearch = 2 // CAP_DAC_READ_SEARCH
	capOverride   = 1 // CAP_DAC_OVERRIDE, which containers usually leave to root
)

// attributes are those of every child: its own process group, its stop signal when our thread dies, its account.
func attributes(stop syscall.Signal, a *account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: stop}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
		attr.AmbientCaps = a.caps
	}
	return attr
}

// walkThrough returns the capability to give to a child that must pass folders closed to its user (such as /root), or
// nil if we have none to give.
func walkThrough() []uintptr {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(status), "\nCapPrm:")
	line, _, _ := strings.Cut(rest, "\n")
	permitted, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil {
		return nil
	}
	for _, c := range []uintptr{capReadSearch, capOverride} {
		if permitted&(1<<c) != 0 {
			return []uintptr{c}
		}
	}
	return nil
}

// The security bit under which access(2) minds the capabilities of a process that is not root's.
const (
	prGetSecurebits = 27
	prSetSecurebits = 28
	noSetuidFixup   = 1 << 2
)

// beforeFork sets up the calling thread, which must be locked, for a child that asks access(2) before it opens anything: without it
// the kernel answers as if the child had no capabilities, and all behind a closed folder would seem out of its reach. The child keeps none but its
// own: exec takes the others. The function returned undoes it.
func beforeFork(a *account) (undo func(), err error) {
	if a == nil || !a.asks || len(a.caps) == 0 {
		return func() {}, nil
	}
	before, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prGetSecurebits, 0, 0)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(syscall.SYS_PRCTL, prSetSecurebits, before|noSetuidFixup, 0)
	}
	if errno != 0 {
		return nil, fmt.Errorf("let user %s reach its folder through closed ones: %w; choose a folder that others can enter", a.name, errno)
	}
	return func() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetSecurebits, before, 0) }, nil
}

// startTime identifies a process together with its pid: clock ticks since boot, or "" when it does not run (a zombie
// does not run either).
func startTime(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The name stands in parentheses and may contain anything; the state follows it, and 19 fields later the start.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 || fields[0][0] == 'Z' || fields[0][0] == 'X' {
		return ""
	}
	return string(fields[19])
}
