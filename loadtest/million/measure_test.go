package million

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ticks of the processor's clock a second, in which Linux counts the time of a process.
const ticks = 100

// spent is the processor time that a process has used.
func spent(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name before may hold anything
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, stat)
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks, err
}

// resident is the memory that a process has, in bytes.
func resident(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("/proc/%d/status has no VmRSS", pid)
	}
	kb, err := strconv.ParseInt(string(found[1]), 10, 64)
	return kb << 10, err
}

// redisInfo is what INFO says of a server.
type redisInfo string

// info asks a Redis, on a connection of its own.
func info(address string) (redisInfo, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "INFO everything\r\n"); err != nil {
		return "", err
	}
	in := bufio.NewReader(conn)
	length := 0
	if _, err := fmt.Fscanf(in, "$%d\r\n", &length); err != nil {
		return "", fmt.Errorf("INFO: %w", err)
	}
	text := make([]byte, length)
	_, err = io.ReadFull(in, text)
	return redisInfo(text), err
}

// number is a figure of INFO, 0 when it is not there.
func (i redisInfo) number(name string) int64 {
	_, rest, _ := strings.Cut(string(i), "\n"+name+":")
	n, _ := strconv.ParseInt(rest[:strings.IndexAny(rest+"\r", "\r.")], 10, 64)
	return n
}

var commandStat = regexp.MustCompile(`cmdstat_([^:]+):calls=(\d+)`)

// commands is how often each command was called, by clients and in scripts. INFO itself does not count.
func (i redisInfo) commands() map[string]int {
	out := map[string]int{}
	for _, found := range commandStat.FindAllStringSubmatch(string(i), -1) {
		if found[1] != "info" {
			out[found[1]], _ = strconv.Atoi(found[2])
		}
	}
	return out
}

// since returns what was called since an earlier INFO, in all and by command.
func (i redisInfo) since(before redisInfo) (total int, by map[string]int) {
	by = i.commands()
	for name, n := range before.commands() {
		if by[name] -= n; by[name] == 0 {
			delete(by, name)
		}
	}
	for _, n := range by {
		total += n
	}
	return total, by
}

// counters are the metrics of a gateway.
type counters string

func (c counters) number(name string) float64 {
	_, rest, _ := strings.Cut("\n"+string(c), "\n"+name+" ")
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.ParseFloat(line, 64)
	return n
}

// admin reads from the admin port.
func admin(base, target string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, base+target, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", target, answer.Status)
	}
	return string(text), err
}
