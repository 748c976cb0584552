package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	url, adminURL string
	token         string
	event         string
	fans          int
	arrive        time.Duration
	duration      time.Duration
	seed          uint64
	untilSoldOut  bool
	maxFans       int
	capacity      int
	abandon       float64
	json          string
}

func parse(args []string, out io.Writer) (o options, err error) {
	set := flag.NewFlagSet("crowd", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&o.url, "url", "http://localhost:8080", "public port")
	set.StringVar(&o.adminURL, "admin-url", "http://localhost:8081", "admin port, for the room's capacity; needs a token")
	set.StringVar(&o.token, "admin-token", os.Getenv("USHER_ADMIN_TOKEN"), "admin token; empty: read from --admin-token-file")
	file := set.String("admin-token-file", ".usher/admin-token", "file of the admin token")
	set.StringVar(&o.event, "event", "", "event id; empty: the first event behind an active room")
	set.IntVar(&o.fans, "fans", 2000, "fans that arrive, 1 to 100,000")
	set.DurationVar(&o.arrive, "arrive", 5*time.Second, "within what time they arrive")
	set.DurationVar(&o.duration, "duration", 10*time.Minute, "after which everybody gives up")
	set.Uint64Var(&o.seed, "seed", 1, "of every choice")
	set.BoolVar(&o.untilSoldOut, "until-sold-out", true, "send more fans while tickets are left and nobody waits")
	set.IntVar(&o.maxFans, "max-fans", 20_000, "fans at the most, with those that are sent later")
	set.IntVar(&o.capacity, "capacity", 0, "the room's capacity, where the admin port cannot be asked")
	set.Float64Var(&o.abandon, "abandon", 0, "share of those who give up who just go: what they hold comes back when it runs out")
	set.StringVar(&o.json, "json", "", "file for the report as JSON")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if o.fans < 1 || o.fans > 100_000 || o.maxFans < o.fans || o.arrive < 0 || o.duration <= 0 || o.abandon < 0 || o.abandon > 1 {
		return o, errors.New("want 1 to 100,000 fans, at most --max-fans, positive times, and a share from 0 to 1")
	}
	if o.token == "" {
		if b, err := os.ReadFile(*file); err == nil {
			o.token = strings.TrimSpace(string(b))
		}
	}
	o.url, o.adminURL = strings.TrimRight(o.url, "/"), strings.TrimRight(o.adminURL, "/")
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1000, MaxConnsPerHost: 1000, IdleConnTimeout: time.Minute}}
	sale, err := findSale(ctx, client, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d fans for %q, %d tickets, room %s, capacity %d, seed %d\n", o.fans, sale.name, sale.capacity, sale.room, sale.roomCapacity, o.seed)
	c := newCrowd(o, client, sale)
	c.send(ctx, out)
	r := c.report(context.WithoutCancel(ctx))
	r.print(out)
	if o.json != "" {
		if err := r.save(o.json); err != nil {
			return err
		}
	}
	return r.verdict()
}
