package redisdb

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// planted is a password that no text may quote.
const planted = "pl4nted"

func dial(t *testing.T, address string) *Client {
	t.Helper()
	c, err := Dial(address, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// reached returns the address and the run id of the server that On calls for a key, and how many servers it asked.
func reached(t *testing.T, c *Client, key string, command ...any) (addr, run string, asked int) {
	t.Helper()
	err := c.On(t.Context(), key, func(s *Server) error {
		asked++
		addr, run = s.Options().Addr, s.RunID()
		return s.Do(t.Context(), command...).Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return addr, run, asked
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "host", planted + "://h:1", "redis://u:" + planted + "@h", "redis://u:" + planted + "@a:1,b:1", "redis://u:" + planted + "@h:1/name",
		"redis://u:" + planted + "@h:1/-1", "redis+sentinel://u:" + planted + "@h:1", "redis+cluster://u:" + planted + "@h:1/0", "redis+ring://u:" + planted + "@h:1",
		"rediss://u:" + planted + "@h:1?ca=/nowhere", "redis://u:" + planted + "@h:1?pool_size=3",
	} {
		if _, err := Dial(text, 4); err == nil {
			t.Errorf("%q was accepted", text)
		} else if strings.Contains(err.Error(), planted) || !strings.HasPrefix(err.Error(), "redis address: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUnderTLSAUserWithAPassword(t *testing.T) {
	t.Parallel()
	cert := testenv.NewCertificate(t)
	addr := testenv.SecureRedis(t, cert, "user default on nopass -@all +info\nuser usher on >"+planted+" ~* &* +@all\n")
	_, port, _ := net.SplitHostPort(addr)
	if err := dial(t, "rediss://usher:"+planted+"@"+addr+"?ca="+cert.CA).Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	f := func(address, want string) {
		t.Helper()
		err := dial(t, address).Ping(t.Context()).Err()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v, want …%s…", strings.ReplaceAll(address, planted, "…"), err, want)
		}
	}
	f("rediss://usher:"+planted+"@"+addr, "certificate")                                       // no authority of the system's
	f("rediss://usher:"+planted+"@"+addr+"?ca="+testenv.NewCertificate(t).CA, "certificate")   // another's
	f("rediss://usher:"+planted+"@localhost:"+port+"?ca="+cert.CA, "certificate is not valid") // another name
	f("rediss://usher:wrong@"+addr+"?ca="+cert.CA, "WRONGPASS")                                // another password
	f("rediss://"+addr+"?ca="+cert.CA, "NOPERM")                                               // nobody
	f("redis://usher:"+planted+"@"+addr, "")                                                   // in the clear
}

func TestInAClusterEachKeyIsAskedOfItsServer(t *testing.T) {
	t.Parallel()
	cluster := testenv.FreshRedisCluster(t)
	c := dial(t, cluster.URL)
	runs := map[string]string{}
	for _, key := range []string{"{a}x", "{b}x", "{c}x", "{d}x", "{e}x", "{f}x"} {
		addr, run, asked := reached(t, c, key, "SET", key, 1)
		if runs[addr] == "" {
			runs[addr] = run
		}
		if runs[addr] != run || asked != 1 {
			t.Errorf("%s: run id %s of %s, which has %s, after %d servers", key, run, addr, runs[addr], asked)
		}
	}
	if len(runs) != len(cluster.Masters) {
		t.Fatalf("six keys on %d servers", len(runs))
	}
	spread := map[string][]int{}
	err := c.Each(t.Context(), []string{"{a}x", "{b}x", "{a}y", "{c}x"}, func(s *Server, which []int) error {
		spread[s.Options().Addr] = which
		return nil
	})
	if a, _, _ := reached(t, c, "{a}y", "EXISTS", "{a}y"); err != nil || len(spread[a]) < 2 || spread[a][0] != 0 {
		t.Errorf("Each: %v, %v", spread, err)
	}
}

// A server that says that a key lives elsewhere has done nothing, so the other is asked; and the client learns it.
func TestAKeyThatHasMovedIsFollowed(t *testing.T) {
	t.Parallel()
	cluster := testenv.FreshRedisCluster(t)
	c := dial(t, cluster.URL)
	const key = "{moves}x"
	for _, k := range []string{"{a}x", "{b}x", "{c}x", "{d}x", "{e}x", "{f}x"} { // all servers are known
		reached(t, c, k, "EXISTS", k)
	}
	from, _, _ := reached(t, c, key, "EXISTS", key)
	to := cluster.Masters[0]
	if to == from {
		to = cluster.Masters[1]
	}
	ctx := t.Context()
	var node string
	admin := map[string]*redis.Client{}
	for _, addr := range cluster.Masters {
		admin[addr] = redis.NewClient(&redis.Options{Addr: addr})
		defer func() { _ = admin[addr].Close() }()
	}
	node, err := admin[to].Do(ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		t.Fatal(err)
	}
	slot := admin[to].ClusterKeySlot(ctx, key).Val()
	for _, addr := range []string{to, from} {
		if err := admin[addr].Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", node).Err(); err != nil {
			t.Fatal(err)
		}
	}
	addr, run, asked := reached(t, c, key, "SET", key, 1)
	info := admin[to].Info(ctx, "server").Val()
	if addr != to || asked != 2 || run == "" || !strings.Contains(info, run) {
		t.Errorf("reached %s (run id %s) after asking %d servers, want %s after 2", addr, run, asked, to)
	}
	for deadline := time.Now().Add(time.Minute); asked != 1; _, _, asked = reached(t, c, key, "EXISTS", key) {
		if time.Now().After(deadline) {
			t.Fatal("the client does not learn where the key lives")
		}
	}
}

// What every script of ours keeps to, shown by one that does not: on one server it works, in a cluster it does not.
func TestControlAScriptWithKeysOfTwoTagsFailsInAClusterOnly(t *testing.T) {
	t.Parallel()
	run := func(address string) error {
		c := dial(t, address)
		script := redis.NewScript("redis.call('SET', KEYS[1], 1) return redis.call('SET', KEYS[2], 1)")
		return c.On(t.Context(), "{one}x", func(s *Server) error {
			return script.Run(t.Context(), s, []string{"{one}x", "{two}x"}).Err()
		})
	}
	if err := run(testenv.FreshRedis(t).Addr); err != nil {
		t.Errorf("on one server: %v", err)
	}
	if err := run(testenv.FreshRedisCluster(t).URL); err == nil || !strings.Contains(err.Error(), "CROSSSLOT") {
		t.Errorf("in a cluster: %v, want CROSSSLOT", err)
	}
}

func TestAfterAFailoverTheOtherServerIsAnotherRedis(t *testing.T) {
	t.Parallel()
	sentinel := testenv.FreshRedisSentinel(t)
	c := dial(t, sentinel.URL)
	_, before, _ := reached(t, c, "k", "SET", "k", 1)
	sentinel.FailOver()
	for deadline := time.Now().Add(time.Minute); ; {
		after := ""
		err := c.On(context.Background(), "k", func(s *Server) error {
			err := s.Set(context.Background(), "k", 2, 0).Err()
			after = s.RunID()
			return err
		})
		if err == nil && after != before {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("run id %s, then %s, %v", before, after, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
