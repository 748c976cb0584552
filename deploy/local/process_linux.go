package local

import (
	"bytes"
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
