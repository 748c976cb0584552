// Package hint carries messages that nobody may rely on: Redis pub/sub drops what nobody is there to hear. Whoever listens reads the
// truth from its table as well.
package hint

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"usher/booking/command"
	"usher/internal/redisdb"
)

func channel(node string) string { return "usher:results:" + node }

// Publish tells nodes how the commands ended that they wait for.
func Publish(ctx context.Context, rdb *redisdb.Client, results map[string][]command.Result) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	pipe := rdb.Pipeline()
	for node, r := range results {
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		pipe.Publish(ctx, channel(node), text)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("publish results: %w", err)
	}
	return nil
}

// Listen hands the results that are published to a node to each, until ctx ends. It reconnects by itself.
func Listen(ctx context.Context, rdb *redisdb.Client, node string, each func([]command.Result), log *slog.Logger) error {
	sub := rdb.Subscribe(ctx, channel(node))
	defer func() { _ = sub.Close() }()
	messages := sub.Channel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, open := <-messages:
			if !open {
				return nil
			}
			var results []command.Result
			if err := json.Unmarshal([]byte(m.Payload), &results); err != nil {
				log.Warn("a hint cannot be read", "err", err)
				continue
			}
			each(results)
		}
	}
}
