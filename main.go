// Command usher is a waiting room and queue front for surge traffic with a booking core behind it.
// One binary holds every role; see README.md for the two commands that a newcomer needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// subcommand is one row of the command table. run returns when its work is done or ctx ends.
type subcommand struct {
	name, what string
	run        func(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error
}

// commands is the table of contents, in the order of the data flow.
func commands() []subcommand {
	return []subcommand{
		{"dev", "run the whole system on this machine with demo data", runDev},
		{"migrate", "bring the Postgres schema up to date", runMigrate},
		{"topics", "create Kafka's topics, and tell in what those that are there differ", runTopics},
		{"import", "read venues and events from files", runImport},
		{"generate", "make a large catalog that could be true, into a file or Postgres", runGenerate},
		{"gateway", "serve the public and the admin port: pages, waiting room, booking API", runGateway},
		{"worker", "decide booking commands: Kafka to Postgres", runWorker},
		{"relay", "tell the world: outbox to Kafka and seat map, payments, expiry", runRelay},
		{"indexer", "keep the search index: changes of the catalog to Elasticsearch", runIndexer},
		{"reindex", "build the search index anew while the old one serves", runReindex},
		{"audit", "check every promise on the live database and log, explain each difference, repair nothing", runAudit},
		{"report", "write what was sold as CSV, by event, section and price", runReport},
		{"partitions", "look after the months of tickets and bookings: list, ahead, detach, archive, attach", runPartitions},
		{"secrets", "make the files of keys, tokens and passwords that are missing in a folder", runSecrets},
		{"keys", "rotate the keys of places and passes while gateways run: announce, switch, retire", runKeys},
		{"health", "ask the process on this machine whether it lives", runHealth},
		{"config", "print every setting as a table", runConfig},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "usher:", err)
		if errors.Is(err, errBroken) {
			os.Exit(exitBroken)
		}
		os.Exit(1)
	}
}

// run dispatches to a subcommand. Asking for help is not an error, and neither is being told to stop.
func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		return usage(out)
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], getenv, out)
		if errors.Is(err, flag.ErrHelp) || ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	return fmt.Errorf("no command %q; `usher help` lists them", args[0])
}

func usage(out io.Writer) error {
	fmt.Fprintln(out, "usher: a fair waiting room in front of an on-sale, and a booking core that sells every seat once\n\nCommands:")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-10s %s\n", c.name, c.what)
	}
	_, err := fmt.Fprintln(out, "\n`usher COMMAND -h` lists a command's settings; docs/configuration.md lists all of them.")
	return err
}
