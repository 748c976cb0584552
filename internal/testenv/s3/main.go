// Command s3 runs another command, usually go test, with a private server that speaks Amazon's S3: the Versity S3 Gateway over a folder that is
// removed afterwards. Its module, in the folder server, is one of its own: nothing of it is in Usher. Its exit code is the command's.
//
//	go run ./internal/testenv/s3 -- go test ./images/s3
//
// The command finds the server in USHER_TEST_S3, as http://KEY:SECRET@127.0.0.1:PORT/BUCKET. Where that is not set, or "skip", the tests are skipped;
// where it is "required" they fail.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"usher/deploy/local"
	"usher/internal/testenv"
)

const (
	bucket   = "usher"
	patience = 30 * time.Second
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	code, err := run(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "s3:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	if len(args) == 0 {
		return 2, errors.New("want a command, as in: s3 -- go test PACKAGES")
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	dir, err := os.MkdirTemp("", "usher-s3-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, address, err := start(ctx, dir)
	if err != nil {
		return 1, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = errors.Join(err, server.Stop(ctx))
	}()
	return testenv.Command(ctx, args, testenv.BucketVariable+"="+address)
}

// start builds the server and starts it with an empty bucket, which to this server is a folder. The build is kept by Go's cache.
func start(ctx context.Context, dir string) (*local.Process, string, error) {
	module, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "usher/internal/testenv/s3").Output()
	if err != nil {
		return nil, "", fmt.Errorf("find the server's module: %w", err)
	}
	program := filepath.Join(dir, "versitygw")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/versity/versitygw/cmd/versitygw")
	build.Dir = filepath.Join(strings.TrimSpace(string(module)), "server")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("build the server: %w\n%s", err, out)
	}
	data := filepath.Join(dir, "data")
	for _, d := range []string{filepath.Join(data, bucket), filepath.Join(dir, "meta")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, "", err
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	key, secret := rand.Text(), rand.Text()
	var log bytes.Buffer
	p, err := local.Start(local.Command{
		Name: "versitygw", Path: program, Dir: dir, Out: &log, PidFile: filepath.Join(dir, "pid"), StopSignal: syscall.SIGTERM,
		Env:  append(os.Environ(), "ROOT_ACCESS_KEY="+key, "ROOT_SECRET_KEY="+secret),
		Args: []string{"--port", port, "posix", "--sidecar", filepath.Join(dir, "meta"), data},
	})
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !answers(port) {
		select {
		case <-p.Done():
			return nil, "", fmt.Errorf("the server ended: %w\n%s", p.Err(), log.String())
		case <-ctx.Done():
			p.Kill()
			return nil, "", fmt.Errorf("the server does not answer: %w\n%s", ctx.Err(), log.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return p, fmt.Sprintf("http://%s:%s@%s/%s", key, secret, port, bucket), nil
}

func answers(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// freePort is an address on which nobody listens.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
