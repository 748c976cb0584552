// Package redisdb connects to Redis the way every script of ours needs it.
package redisdb

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Client is a connection pool that knows which Redis it speaks to. A Redis that was restarted or replaced has another run
// id; scripts are given the one that the connections saw, so that a map from before the loss is never believed.
type Client struct {
	redis.UniversalClient
	run atomic.Pointer[string]
}

// Dial returns a client of "host:port" or a redis:// URL. It does not retry: a lost reply would run a script again.
func Dial(addr string, pool int) (*Client, error) {
	o := &redis.Options{Addr: addr}
	if strings.Contains(addr, "://") {
		var err error
		if o, err = redis.ParseURL(addr); err != nil {
			return nil, fmt.Errorf("redis address: %w", err)
		}
	}
	c := &Client{}
	o.PoolSize, o.MaxRetries, o.ContextTimeoutEnabled = pool, -1, true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 500*time.Millisecond, 800*time.Millisecond, 800*time.Millisecond, 800*time.Millisecond
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.OnConnect = c.learn
	c.UniversalClient = redis.NewClient(o)
	return c, nil
}

// learn remembers the run id of the server that a new connection reached.
func (c *Client) learn(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(info, "run_id:")
	run, _, found := strings.Cut(rest, "\r\n")
	if !found || run == "" {
		return fmt.Errorf("redis at %s does not tell its run id", conn.String())
	}
	c.run.Store(&run)
	return nil
}

// RunID returns the run id of the server, or "" before the first connection.
func (c *Client) RunID() string {
	if run := c.run.Load(); run != nil {
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
