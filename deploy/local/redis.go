package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// RedisConfig says where a private Redis lives.
type RedisConfig struct {
	Dir      string            // its folder, made if missing
	Files    map[string]string // files to make in Dir that only the engine can read, for settings to name
	Settings map[string]string // redis.conf directives beside or instead of ours; every write goes to the append-only file, synced every second
}

// Redis is a running private server.
type Redis struct {
	*Process
	addr string
}

// StartRedis starts the server of cfg.Dir and returns when its data is loaded and it answers. ErrMissing: Redis is not installed.
func StartRedis(ctx context.Context, cfg RedisConfig) (*Redis, error) {
	r, err := startRedis(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("private Redis in %s: %w", cfg.Dir, err)
	}
	return r, nil
}

func startRedis(ctx context.Context, cfg RedisConfig) (*Redis, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	server, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("%w: redis-server", ErrMissing)
	}
	e, err := openEngine(ctx, "redis-server", cfg.Dir, syscall.SIGTERM, "redis", "nobody")
	if err != nil {
		return nil, err
	}
	if err := e.writeAll(cfg.Files); err != nil {
		return nil, err
	}
	if err := os.Mkdir(e.data(), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	if err := e.account.give(e.data()); err != nil {
		return nil, err
	}
	r := &Redis{}
	err = enginePorts.onFree(e.path("port"), func(port int) error {
		r.addr = loopback(port)
		if err := e.write("redis.conf", redisConf(e.data(), port, cfg.Settings)); err != nil {
			return err
		}
		r.Process, err = e.start(ctx, server, []string{e.path("redis.conf")}, func(pid int) bool { return redisReady(r.addr, pid) })
		return err
	})
	return r, err
}

// Addr is host:port.
func (r *Redis) Addr() string { return r.addr }

// redisConf: a directive that stands twice counts by its last line, so the caller's come last.
func redisConf(data string, port int, settings map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "bind 127.0.0.1\nport %d\ndir %s\nsave \"\"\n", port, strconv.Quote(data))
	b.WriteString("appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n")
	for name, value := range settings {
		fmt.Fprintf(&b, "%s %s\n", name, value)
	}
	return b.String()
}

// redisReady asks the server whether it has loaded its data, and whether it is the process pid and not a stranger on the same port.
func redisReady(addr string, pid int) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	fmt.Fprint(conn, "INFO\r\nQUIT\r\n")
	lines := bufio.NewScanner(conn)
	ours, loaded := false, false
	for lines.Scan() {
		ours = ours || lines.Text() == fmt.Sprint("process_id:", pid)
		loaded = loaded || lines.Text() == "loading:0"
	}
	return ours && loaded
}
