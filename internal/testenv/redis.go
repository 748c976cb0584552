package testenv

import (
	"context"
	"path/filepath"
	"strings"
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
	*Own
	dir string
}

// FreshRedis starts an empty server for this test alone. It keeps every write in its append-only file, as in production. It is one server, also in a run on a
// cluster (OnRedisCluster).
func FreshRedis(t testing.TB) *OwnRedis {
	t.Helper()
	config := local.RedisConfig{Dir: filepath.Join(t.TempDir(), "redis")}
	return &OwnRedis{dir: config.Dir, Own: newOwn(t, "Redis", func(ctx context.Context) (server, string, error) {
		r, err := local.StartRedis(ctx, config)
		if err != nil {
			return nil, "", err
		}
		return r, r.Addr(), nil
	})}
}

// DataDir is the folder of the append-only file, for tests that cut or remove it while the server is down.
func (o *OwnRedis) DataDir() string { return filepath.Join(o.dir, "data") }
