package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"usher/deploy/local"
)

// devRoles are the child processes of `usher dev`, in the order in which they start. They stop in reverse: the one that takes new
// work first. The indexer starts where there is an index to keep.
var devRoles = []string{"relay", "worker", "indexer", "gateway"}

// devRestarts: a role that dies is back within a second; one that cannot start is given up after six tries in 6 s.
var devRestarts = local.Restarts{Pause: 200 * time.Millisecond, Steady: 20 * time.Second, Tries: 5, Grace: 10 * time.Second}

// environment tells a child of all that was given to us or made by us.
func (d *devSystem) environment() []string {
	return append(os.Environ(),
		"USHER_POSTGRES="+d.Postgres, "USHER_REDIS="+d.Redis, "USHER_KAFKA="+d.Kafka, "USHER_ELASTICSEARCH="+d.Elasticsearch, "USHER_INDEX_PREFIX="+d.IndexPrefix,
		"USHER_PG_CONNS="+strconv.Itoa(d.PGConns),
		"USHER_ADDR="+d.Addr, "USHER_ADMIN_ADDR="+d.AdminAddr, "USHER_ADMIN_TOKEN="+d.AdminToken, "USHER_PUBLIC_URL="+d.PublicURL,
		"USHER_SECRET_FILE="+d.SecretFile, "USHER_PASS_KEYS_FILE="+d.PassKeysFile, "USHER_ROOMS_FILE="+d.RoomsFile,
		"USHER_LOG_LEVEL="+d.LogLevel, "USHER_KAFKA_REPLICAS="+strconv.Itoa(d.KafkaReplicas), "USHER_KAFKA_RETENTION="+d.KafkaRetention.String(),
		"USHER_IMAGES="+d.Images, "USHER_IMAGES_URL="+d.ImagesURL,
		// What these files hold is in the values above.
		"USHER_POSTGRES_PASSWORD_FILE=", "USHER_REDIS_PASSWORD_FILE=", "USHER_KAFKA_PASSWORD_FILE=", "USHER_ELASTICSEARCH_PASSWORD_FILE=",
		"USHER_ADMIN_TOKEN_FILE=")
}

// child is a process of our own binary.
func (d *devSystem) child(name string, out io.Writer, args ...string) local.Command {
	return local.Command{Name: name, Path: d.binary, Args: args, Env: d.environment(), Out: out,
		PidFile: d.pidFile(name), StopSignal: syscall.SIGTERM}
}

func (d *devSystem) pidFile(name string) string { return filepath.Join(d.folder.Path, name+".pid") }

// stopLeftOver ends a role that outlived a killed `usher dev` on this folder: it may hold our ports.
func (d *devSystem) stopLeftOver(ctx context.Context, role string) error {
	ctx, cancel := context.WithTimeout(ctx, devRestarts.Grace)
	defer cancel()
	return local.StopLeftOver(ctx, d.pidFile(role), syscall.SIGTERM)
}

// once runs a subcommand to its end. Its output is not prefixed: it may draw a progress bar.
func (d *devSystem) once(ctx context.Context, args ...string) error {
	p, err := local.Start(d.child(args[0], d.out, args...))
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		stopping, cancel := context.WithTimeout(context.Background(), devRestarts.Grace)
		defer cancel()
		return errors.Join(ctx.Err(), p.Stop(stopping))
	}
	if p.Err() != nil {
		return fmt.Errorf("usher %s: %w", strings.Join(args, " "), p.Err())
	}
	return nil
}

// startRoles keeps every role running until it is stopped.
func (d *devSystem) startRoles(context.Context) error {
	for _, role := range devRoles {
		if role == "indexer" && d.Elasticsearch == "" {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			err := devRestarts.Keep(ctx, d.child(role, d.lines.Of(role), role), d.log)
			if ctx.Err() == nil {
				d.fail(err) // reported once: as the reason of the end
				err = nil
			}
			ended <- err
		}()
		d.stops = append(d.stops, func() error {
			cancel()
			return <-ended
		})
	}
	return nil
}
