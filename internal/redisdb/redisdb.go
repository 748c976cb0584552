// Package redisdb connects to Redis the way every script of ours needs it: to one server, to the master that sentinels name, or to a
// cluster.
package redisdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"usher/internal/address"
)

const (
	dialTime = 500 * time.Millisecond
	callTime = 800 * time.Millisecond
	maxHops  = 3 // servers that say one after the other that a key lives elsewhere
)

// Client is connection pools that know which servers they speak to. It repeats nothing that may have been done: a lost reply would run
// a script again. Scripts go by On; plain commands and messages may use the client itself.
type Client struct {
	redis.UniversalClient
	only    *Server              // nil in a cluster
	cluster *redis.ClusterClient // nil without one

	mu      sync.Mutex         // guards servers
	servers map[string]*Server // of the cluster, by address
}

// Server is the Redis that some keys live on. One that was restarted or replaced has another run id; scripts are given the one that
// the connections saw, so that a map from before the loss is never believed.
type Server struct {
	*redis.Client
	run atomic.Pointer[string]
}

// Dial returns a client of "host:port" or of a URL; pool is how many connections it opens to one server at most.
//
//	redis://user:password@host:port/database       one server
//	redis+sentinel://user:password@host:port,…/name  the master of that name; the hosts are sentinels
//	redis+cluster://user:password@host:port,…      a cluster; the hosts are some of its servers
//
// rediss instead of redis: under TLS, verified with the authorities of ?ca=FILE or those of the system. It does not connect yet.
func Dial(text string, pool int) (*Client, error) {
	if !strings.Contains(text, "://") {
		text = "redis://" + text
	}
	a, err := address.Parse(text, "ca")
	if err != nil {
		return nil, fmt.Errorf("redis address: %w", err)
	}
	secure, kind, _ := strings.Cut(a.Scheme, "+")
	o := &redis.UniversalOptions{
		Addrs: a.Hosts, Username: a.User, Password: a.Password, PoolSize: pool, MaxRetries: -1, ContextTimeoutEnabled: true,
		DialTimeout: dialTime, ReadTimeout: callTime, WriteTimeout: callTime, PoolTimeout: callTime,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if secure == "rediss" {
		if o.TLSConfig, err = a.TLS(); err != nil {
			return nil, fmt.Errorf("redis address: %w", err)
		}
	}
	switch {
	case secure != "redis" && secure != "rediss":
	case kind == "cluster" && a.Path == "":
		return dialCluster(o), nil
	case kind == "sentinel" && a.Path != "":
		o.MasterName = a.Path
		return dialOne(o, func() *redis.Client { return redis.NewFailoverClient(o.Failover()) }), nil
	case kind == "" && len(a.Hosts) == 1:
		if o.DB, err = strconv.Atoi(cmp.Or(a.Path, "0")); err == nil && o.DB >= 0 {
			return dialOne(o, func() *redis.Client { return redis.NewClient(o.Simple()) }), nil
		}
	}
	return nil, errForm
}

// errForm is the answer to a URL that is well formed, but none of a Redis.
var errForm = errors.New("redis address: want redis://host:port, redis+sentinel://host:port,…/name or redis+cluster://host:port,…, and rediss for TLS")

// dialOne makes a client of one server, or of whichever server is the master now.
func dialOne(o *redis.UniversalOptions, dial func() *redis.Client) *Client {
	s := &Server{}
	o.OnConnect = s.learn
	s.Client = dial()
	return &Client{UniversalClient: s.Client, only: s}
}

func dialCluster(o *redis.UniversalOptions) *Client {
	c := &Client{servers: map[string]*Server{}}
	cluster := o.Cluster()
	cluster.NewClient = func(node *redis.Options) *redis.Client {
		s := &Server{}
		node.OnConnect = s.learn
		s.Client = redis.NewClient(node)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.servers[node.Addr] = s
		return s.Client
	}
	c.cluster = redis.NewClusterClient(cluster)
	c.UniversalClient = c.cluster
	return c
}

// learn remembers the run id of the server that a new connection reached.
func (s *Server) learn(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(info, "run_id:")
	run, _, found := strings.Cut(rest, "\r\n")
	if !found || run == "" {
		return fmt.Errorf("redis at %s does not tell its run id", conn.String())
	}
	s.run.Store(&run)
	return nil
}

// RunID returns the run id of the server that the newest connection reached.
func (s *Server) RunID() string {
	if run := s.run.Load(); run != nil {
		return *run
	}
	return ""
}

// LogTo sends what the client library has to say, an attempt at a connection a line, to a log at the level of debugging: whoever needs Redis reports
// by himself that it is away. It is one setting for the whole process.
func LogTo(log *slog.Logger) { redis.SetLogger(sayings{log}) }

type sayings struct{ log *slog.Logger }

func (s sayings) Printf(ctx context.Context, format string, v ...any) {
	s.log.DebugContext(ctx, "redis client", "said", fmt.Sprintf(format, v...))
}

// On calls do with the server that a key lives on, once it is known which Redis that is. A server that answers that the key has moved has not
// done what it was asked, so do is called again with the next; after any other error it is not. While a cluster moves a key, or after a server
// died, the calls fail until the cluster has told where the key lives now.
func (c *Client) On(ctx context.Context, key string, do func(*Server) error) error {
	s, err := c.at(ctx, key)
	if err != nil {
		return err
	}
	for hop := 0; ; hop++ {
		if err = s.meet(ctx); err == nil {
			err = do(s)
		}
		if err == nil {
			return nil
		}
		if s = c.next(ctx, err); s == nil || hop == maxHops {
			return err
		}
	}
}

// Each calls do for every server that some of the keys live on, with the indices of those keys. It ends at the first error.
func (c *Client) Each(ctx context.Context, keys []string, do func(at *Server, which []int) error) error {
	of := map[*Server][]int{}
	for i, key := range keys {
		s, err := c.at(ctx, key)
		if err != nil {
			return err
		}
		of[s] = append(of[s], i)
	}
	for s, which := range of {
		err := s.meet(ctx)
		if err == nil {
			err = do(s, which)
		}
		if err != nil {
			c.next(ctx, err)
			return err
		}
	}
	return nil
}

// meet makes a connection when there has been none.
func (s *Server) meet(ctx context.Context) error {
	if s.RunID() != "" {
		return nil
	}
	return s.Ping(ctx).Err()
}

// next lets the cluster tell anew which server has which keys, and returns the one that err says has the key now; nil: it says none, or one
// that is not known yet.
func (c *Client) next(ctx context.Context, err error) *Server {
	if c.cluster == nil || errors.Is(err, redis.Nil) { // nothing is an answer
		return nil
	}
	c.cluster.ReloadState(ctx)
	to, _ := redis.IsMovedError(err)
	return c.known(to)
}

// at returns the server that a key lives on, as far as is known.
func (c *Client) at(ctx context.Context, key string) (*Server, error) {
	if c.cluster == nil {
		return c.only, nil
	}
	node, err := c.cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, err
	}
	if s := c.known(node.Options().Addr); s != nil && s.Client == node {
		return s, nil
	}
	return nil, fmt.Errorf("redis at %s has just come back", node.Options().Addr)
}

// known returns the cluster's server at an address, or nil.
func (c *Client) known(addr string) *Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.servers[addr]
}
