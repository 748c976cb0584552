// Command stores runs another command, usually go test, with one private Postgres, Redis and Kafka for all the test processes
// below it, and ends them afterwards. Its exit code is the command's.
//
//	go run ./internal/testenv/stores -- go test ./...
//
// With -engines real Kafka is Apache Kafka, and Elasticsearch runs as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"usher/internal/testenv"
)

func main() {
	engines := flag.String("engines", "embedded", "embedded or real")
	flag.Parse()
	code, err := run(*engines, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "stores:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(engines string, args []string) (code int, err error) {
	if len(args) == 0 || engines != "embedded" && engines != testenv.RealEngines {
		return 2, errors.New("want a command, as in: stores [-engines real] -- go test PACKAGES")
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	stores := testenv.Stores{Real: engines == testenv.RealEngines}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		err = errors.Join(err, stores.Stop(ctx))
	}()
	environment, err := stores.Environment(ctx)
	if err != nil {
		return 1, err
	}
	return testenv.Command(ctx, args, environment...)
}
