package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/deploy/local"
)

// RedisSentinel is a master, its replica and one sentinel that watches them under the name usher, for one test.
type RedisSentinel struct {
	URL string // redis+sentinel://host:port/usher

	t      testing.TB
	client *redis.SentinelClient
}

// FreshRedisSentinel returns when the sentinel knows both.
func FreshRedisSentinel(t testing.TB) *RedisSentinel {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	host, port, err := net.SplitHostPort(FreshRedis(t).Addr)
	must(t, "read an address", err)
	replica, err := local.StartRedis(ctx, local.RedisConfig{Dir: filepath.Join(t.TempDir(), "redis"), Settings: map[string]string{
		"replicaof": host + " " + port, "repl-diskless-sync-delay": "0",
	}})
	must(t, "start a replica", err)
	t.Cleanup(replica.Kill)

	addr := net.JoinHostPort(host, fmt.Sprint(freePort(t)))
	_, own, _ := net.SplitHostPort(addr)
	dir := t.TempDir()
	conf := filepath.Join(dir, "sentinel.conf")
	must(t, "write a configuration", os.WriteFile(conf, fmt.Appendf(nil, "bind 127.0.0.1\nport %s\ndir %s\nsentinel monitor usher %s %s 1\n", own, dir, host, port), 0o600))
	path, err := exec.LookPath("redis-server")
	must(t, "find Redis", err)
	p, err := local.Start(local.Command{Name: "sentinel", Path: path, Args: []string{conf, "--sentinel"}, Out: t.Output(), PidFile: filepath.Join(dir, "pid")})
	must(t, "start a sentinel", err)
	t.Cleanup(p.Kill)
	s := &RedisSentinel{URL: "redis+sentinel://" + addr + "/usher", t: t, client: redis.NewSentinelClient(&redis.Options{Addr: addr})}
	t.Cleanup(func() { _ = s.client.Close() })
	s.until(ctx, "the sentinel to find the replica", func() bool {
		replicas, err := s.client.Replicas(ctx, "usher").Result()
		return err == nil && len(replicas) == 1 && replicas[0]["master-link-status"] == "ok"
	})
	return s
}

// FailOver makes the replica the master, and returns when the sentinel says that it is.
func (s *RedisSentinel) FailOver() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	before, err := s.client.GetMasterAddrByName(ctx, "usher").Result()
	must(s.t, "ask the sentinel", err)
	s.until(ctx, "the sentinel to fail over", func() bool { // it refuses while it has not heard of the replica lately
		return s.client.Failover(ctx, "usher").Err() == nil
	})
	s.until(ctx, "another master", func() bool {
		now, err := s.client.GetMasterAddrByName(ctx, "usher").Result()
		return err == nil && now[1] != before[1]
	})
}

func (s *RedisSentinel) until(ctx context.Context, what string, ready func() bool) {
	s.t.Helper()
	for !ready() {
		select {
		case <-ctx.Done():
			must(s.t, "wait for "+what, errors.Join(ctx.Err()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
