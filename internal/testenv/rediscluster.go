package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/deploy/local"
)

const (
	clusterScheme = "redis+cluster://"
	masters       = 3
	slots         = 16384
)

// RedisCluster is a cluster of three masters without replicas, for one test.
type RedisCluster struct {
	URL     string   // redis+cluster://host:port,host:port,host:port
	Masters []string // host:port; the slots are shared out in this order, evenly

	t       testing.TB
	configs []local.RedisConfig
	servers []*local.Redis
}

// FreshRedisCluster starts an empty cluster and returns when every master knows it whole.
func FreshRedisCluster(t testing.TB) *RedisCluster {
	t.Helper()
	c := &RedisCluster{t: t, servers: make([]*local.Redis, masters)}
	t.Cleanup(func() {
		for i := range c.servers {
			c.Kill(i)
		}
	})
	for i := range masters {
		c.configs = append(c.configs, local.RedisConfig{Dir: filepath.Join(t.TempDir(), "redis"), Settings: map[string]string{
			"cluster-enabled": "yes", "cluster-require-full-coverage": "no", "cluster-node-timeout": "15000",
		}})
		c.Start(i)
		c.Masters = append(c.Masters, c.servers[i].Addr())
	}
	c.URL = clusterScheme + strings.Join(c.Masters, ",")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(t, "form a Redis cluster", c.form(ctx))
	return c
}

// Start starts a master, also again after Kill, with what its append-only file holds.
func (c *RedisCluster) Start(i int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// By default the bus of a cluster has the port of the server plus 10000, which may be somebody's.
	for try := 0; ; try++ {
		if c.configs[i].Settings["cluster-port"] == "" || try > 0 {
			c.configs[i].Settings["cluster-port"] = strconv.Itoa(freePort(c.t))
		}
		server, err := local.StartRedis(ctx, c.configs[i])
		if err == nil {
			c.servers[i] = server
			return
		}
		if try == 3 {
			must(c.t, "start a master", err)
		}
	}
}

// Kill ends a master with SIGKILL.
func (c *RedisCluster) Kill(i int) {
	if c.servers[i] != nil {
		c.servers[i].Kill()
	}
}

// DataDir is the folder of a master's append-only file.
func (c *RedisCluster) DataDir(i int) string { return filepath.Join(c.configs[i].Dir, "data") }

// form shares out the slots and lets the masters meet.
func (c *RedisCluster) form(ctx context.Context) error {
	clients := make([]*redis.Client, masters)
	for i, addr := range c.Masters {
		clients[i] = redis.NewClient(&redis.Options{Addr: addr})
		defer clients[i].Close()
	}
	for i, client := range clients {
		if err := client.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", i*slots/masters, (i+1)*slots/masters-1).Err(); err != nil {
			return err
		}
		host, port, err := net.SplitHostPort(c.Masters[i])
		if err != nil {
			return err
		}
		if err := clients[0].Do(ctx, "CLUSTER", "MEET", host, port, c.configs[i].Settings["cluster-port"]).Err(); err != nil {
			return err
		}
	}
	for _, client := range clients {
		for {
			info, err := client.ClusterInfo(ctx).Result()
			if err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d", slots)) {
				break
			}
			select {
			case <-ctx.Done():
				return errors.Join(fmt.Errorf("the cluster does not form:\n%s", info), err)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// OnRedisCluster runs this package's tests again, in a process of their own whose Redis is a cluster, and fails with what they say. Left out are the caller
// and the tests that not names, and nothing else: a test that skips itself there fails.
func OnRedisCluster(t *testing.T, not ...string) {
	t.Helper()
	if os.Getenv(RedisVariable) != "" && strings.HasPrefix(os.Getenv(RedisVariable), clusterScheme) {
		t.Fatal("testenv: a run on a cluster in a run on a cluster")
	}
	skip := "^(" + strings.Join(append(slices.Clone(not), t.Name()), "|") + ")$"
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=.", "-test.v", "-test.count=1", "-test.timeout=8m", "-test.skip="+skip)
	cmd.Env = append(os.Environ(), RedisVariable+"="+FreshRedisCluster(t).URL)
	out, err := cmd.CombinedOutput()
	passed := bytes.Count(out, []byte("\n--- PASS: "))
	if err != nil {
		t.Fatalf("on a cluster: %v\n%s", err, out)
	}
	if passed == 0 {
		t.Fatalf("no test ran on the cluster:\n%s", out)
	}
	if bytes.Contains(out, []byte("--- SKIP: ")) {
		t.Fatalf("tests were skipped on the cluster:\n%s", out)
	}
	t.Logf("%d tests passed on the cluster", passed)
}

// freePort is a port of the range that nothing is connected from.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 12_000 + rand.IntN(8_000)
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			must(t, "free a port", l.Close())
			return port
		}
	}
	t.Fatal("testenv: no free port")
	return 0
}
