package testenv

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"usher/deploy/local"
)

// Redis returns the address of a server that other tests use too, and a prefix that no other test has. A test names its
// rooms, events and channels with the prefix, and every key that contains it is deleted when the test ends.
func Redis(t testing.TB) (addr, prefix string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	addr, err := ours.Redis(ctx)
	must(t, "start Redis", err)
	prefix = "t" + randomName()
	t.Cleanup(func() {
		must(t, "delete the test's keys", deleteKeys(addr, "*"+prefix+"*"))
	})
	return addr, prefix
}

// deleteKeys deletes what matches, on every server of a cluster.
func deleteKeys(addr, pattern string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	servers, _ := strings.CutPrefix(addr, clusterScheme)
	for server := range strings.SplitSeq(servers, ",") {
		if err := deleteKeysAt(ctx, server, pattern); err != nil {
			return err
		}
	}
	return nil
}

func deleteKeysAt(ctx context.Context, addr, pattern string) error {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	keys := client.Scan(ctx, 0, pattern, 1000).Iterator()
	for keys.Next(ctx) {
		if err := client.Unlink(ctx, keys.Val()).Err(); err != nil {
			return err
		}
	}
	return keys.Err()
}

// OwnRedis is a server of one test, to flush, kill and start again at the same address.
type OwnRedis struct {
	Addr string // host:port

	t      testing.TB
	config local.RedisConfig
	mu     sync.Mutex // guards server
	server *local.Redis
}

// FreshRedis starts an empty server for this test alone. It keeps every write in its append-only file, as in production. In a run on a cluster
// (OnRedisCluster) a test that is about one server is skipped.
func FreshRedis(t testing.TB) *OwnRedis {
	t.Helper()
	if strings.HasPrefix(os.Getenv(RedisVariable), clusterScheme) {
		t.Skip("it is about a server of its own")
	}
	o := &OwnRedis{t: t, config: local.RedisConfig{Dir: filepath.Join(t.TempDir(), "redis")}}
	o.Start()
	t.Cleanup(o.Kill)
	return o
}

// Start starts the server again after Kill, with what its append-only file holds.
func (o *OwnRedis) Start() {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	o.server, err = local.StartRedis(ctx, o.config)
	must(o.t, "start Redis", err)
	if o.Addr != "" && o.server.Addr() != o.Addr {
		o.t.Fatalf("testenv: somebody took the port of %s", o.Addr)
	}
	o.Addr = o.server.Addr()
}

// Kill ends the server with SIGKILL.
func (o *OwnRedis) Kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server != nil {
		o.server.Kill()
	}
}

// DataDir is the folder of the append-only file, for tests that cut or remove it while the server is down.
func (o *OwnRedis) DataDir() string { return filepath.Join(o.config.Dir, "data") }
