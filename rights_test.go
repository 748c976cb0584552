package main

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/booking/command"
	"usher/booking/hold"
	"usher/internal/hint"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/telemetry"
	"usher/internal/testenv"
)

// The rights that `usher secrets` gives to our user in Redis are enough in a cluster, too, which asks for more than one server does; and they are
// not more than they say.
func TestTheRightsInRedisAreEnoughInACluster(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	cluster := testenv.FreshRedisCluster(t)
	for _, addr := range cluster.Masters {
		admin := redis.NewClient(&redis.Options{Addr: addr})
		defer func() { _ = admin.Close() }()
		rights := []any{"ACL", "SETUSER", "usher", "on", ">word"}
		for right := range strings.FieldsSeq(redisRights) {
			rights = append(rights, right)
		}
		if err := admin.Do(ctx, rights...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	rdb, err := redisdb.Dial(strings.Replace(cluster.URL, "://", "://"+url.UserPassword("usher", "word").String()+"@", 1), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rdb.Close() }()

	seats := hold.New(rdb, hold.Config{For: time.Minute, Cap: time.Minute, Limit: 4})
	for n := range 8 { // of several servers
		event, err := id.NewEvent(1, n)
		if err != nil {
			t.Fatal(err)
		}
		if err := seats.Load(ctx, event, func(context.Context) ([]hold.Seat, error) { return make([]hold.Seat, 10), nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := seats.Hold(ctx, event, id.NewVisitor(), []int{3}); err != nil {
			t.Fatal(err)
		}
	}
	hears(t, rdb)

	for name, do := range map[string]func() error{
		"read what is another's": func() error { return rdb.Get(ctx, "others:x").Err() },
		"tell others' channels":  func() error { return rdb.Publish(ctx, "others:x", 1).Err() },
		"throw all away":         func() error { return rdb.FlushAll(ctx).Err() },
		"change the server":      func() error { return rdb.ConfigSet(ctx, "maxmemory", "1").Err() },
		"make users":             func() error { return rdb.Do(ctx, "ACL", "SETUSER", "x", "on").Err() },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			t.Errorf("our user may %s: %v", name, err)
		}
	}
}

// hears returns when a node has heard a result that was published.
func hears(t *testing.T, rdb *redisdb.Client) {
	t.Helper()
	log, err := telemetry.Logger(t.Output(), "warn", "test", "node")
	if err != nil {
		t.Fatal(err)
	}
	event, err := id.NewEvent(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	heard := make(chan struct{})
	var once sync.Once
	var listener sync.WaitGroup
	listener.Go(func() {
		_ = hint.Listen(ctx, rdb, "node", func([]command.Result) { once.Do(func() { close(heard) }) }, log)
	})
	defer listener.Wait()
	defer stop()
	for deadline := time.After(time.Minute); ; {
		if err := hint.Publish(ctx, rdb, map[string][]command.Result{"node": {{Command: id.NewKey(), Event: event}}}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
			return
		case <-deadline:
			t.Fatal("nothing is heard")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
