package testenv

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/deploy/local"
)

// Replica is a copy of a test's own Redis, to be cut off from it and put into its place.
type Replica struct {
	t      testing.TB
	of     *OwnRedis
	server *local.Redis
	client *redis.Client
}

// Replica starts a copy, which ends with the test, and returns when it has everything.
func (o *OwnRedis) Replica(t testing.TB) *Replica {
	t.Helper()
	host, port, err := net.SplitHostPort(o.Addr)
	must(t, "read an address", err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := local.StartRedis(ctx, local.RedisConfig{Dir: filepath.Join(t.TempDir(), "redis"), Settings: map[string]string{
		"replicaof": host + " " + port, "repl-diskless-sync-delay": "0",
	}})
	must(t, "start a replica", err)
	t.Cleanup(server.Kill)
	r := &Replica{t: t, of: o, server: server, client: redis.NewClient(&redis.Options{Addr: server.Addr()})}
	t.Cleanup(func() { _ = r.client.Close() })
	r.link(ctx, "up")
	return r
}

// CutOff ends what the replica hears of its master; that goes on as before.
func (r *Replica) CutOff() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// a password that the master does not know: it is refused when it comes back
	must(r.t, "give a replica a wrong password", r.client.ConfigSet(ctx, "masterauth", "wrong").Err())
	master := redis.NewClient(&redis.Options{Addr: r.of.Addr})
	defer master.Close()
	must(r.t, "cut a replica off", master.Do(ctx, "CLIENT", "KILL", "TYPE", "replica").Err())
	r.link(ctx, "down")
}

// Promote kills the master and puts the replica into its place, at its address. Kill, Pause and Resume of the master are about the replica from then on.
func (r *Replica) Promote() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, port, err := net.SplitHostPort(r.of.Addr)
	must(r.t, "read an address", err)
	r.of.Kill()
	must(r.t, "promote a replica", r.client.Do(ctx, "REPLICAOF", "NO", "ONE").Err())
	must(r.t, "give it the address of its master", r.client.ConfigSet(ctx, "port", port).Err())
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	r.of.server = r.server
}

// link waits until the replica says so of its link.
func (r *Replica) link(ctx context.Context, state string) {
	r.t.Helper()
	for {
		info, err := r.client.Info(ctx, "replication").Result()
		must(r.t, "wait for a link that is "+state, err)
		if strings.Contains(info, "master_link_status:"+state+"\r\n") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
