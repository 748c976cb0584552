package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/desk"
	"usher/booking/event"
	"usher/booking/hold"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/relay"
	"usher/booking/webhook"
	"usher/booking/worker"
	"usher/catalog"
	"usher/catalog/importer"
	"usher/catalog/pgcatalog"
	"usher/catalog/redisfacts"
	"usher/catalog/seatmap"
	"usher/gateway"
	"usher/images"
	"usher/internal/config"
	"usher/internal/guard"
	"usher/internal/hint"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/stream"
	"usher/internal/telemetry"
	"usher/search"
	"usher/search/elastic"
	"usher/search/fallback"
	"usher/search/pgstock"
	"usher/search/pgtext"
	"usher/waitroom"
	"usher/waitroom/pass"
	"usher/waitroom/pgledger"
	"usher/waitroom/redisline"
)

// startTime bounds what a role does before it serves: topics, the first connections.
const startTime = 30 * time.Second

// role is what every role begins with: its settings, its log, its stores.
type role struct {
	config.Config
	log   *slog.Logger
	store *pgstore.Store
	redis *redisdb.Client
	kafka stream.Brokers
	parts []func(context.Context) error // what Run runs together
}

// begin reads the settings, with the flags that are extra if there are any, and opens the stores that are named: postgres, redis, kafka.
func begin(ctx context.Context, name string, args []string, getenv func(string) string, out io.Writer, extra func(*flag.FlagSet), stores ...string) (*role, error) {
	c, err := config.Load(name, args, getenv, out, extra)
	if err != nil {
		return nil, err
	}
	if err := c.Need(stores...); err != nil {
		return nil, err
	}
	r := &role{Config: c}
	if r.log, err = telemetry.Logger(os.Stderr, c.LogLevel, name, c.Node); err != nil {
		return nil, err
	}
	if r.store, err = pgstore.Open(ctx, c.Postgres, c.PGConns); err != nil {
		return nil, err
	}
	if c.Redis != "" {
		redisdb.LogTo(r.log)
		if r.redis, err = redisdb.Dial(c.Redis, 4*c.PGConns); err != nil {
			return nil, err
		}
	}
	if c.Kafka != "" {
		if r.kafka, err = stream.ParseBrokers(c.Kafka); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// run runs all parts until ctx ends or one fails, then closes the stores.
func (r *role) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, part := range r.parts {
		g.Go(func() error { return part(ctx) })
	}
	err := g.Wait()
	r.store.Close()
	if r.redis != nil {
		err = errors.Join(err, r.redis.Close())
	}
	return err
}

func (r *role) brokers() stream.Brokers { return r.kafka }

// metrics serves the figures of a role that has no other port.
func (r *role) metrics(ctx context.Context) error {
	return telemetry.Serve(ctx, r.MetricsAddr, r.store.Ping)
}

// logs returns the two logs, created if they are missing. In what topics differ from the settings is logged: it stops nobody.
func (r *role) logs(ctx context.Context) (commands, events *stream.Log, err error) {
	differs, err := ensureTopics(ctx, r.Config, r.brokers())
	if err != nil {
		return nil, nil, err
	}
	for _, d := range differs {
		r.log.Warn("a topic is not as the settings say", "what", d)
	}
	return stream.Open(r.brokers(), command.Topic), stream.Open(r.brokers(), event.Topic), nil
}

// appender returns the function that puts a command on the log.
func appender(p *stream.Producer) func(context.Context, command.Command) error {
	return func(ctx context.Context, c command.Command) error {
		value, err := c.Encode()
		if err != nil {
			return err
		}
		return p.Write(ctx, stream.Message{Topic: command.Topic, Key: c.Event.String(), Value: value})
	}
}

// holds returns the seat maps with this role's rules.
func (r *role) holds() *hold.Store {
	return hold.New(r.redis, hold.Config{For: r.HoldFor, Cap: r.HoldCap, Limit: r.SeatLimit, Unpaid: r.Unpaid, Cool: r.CoolDown})
}

// runGateway serves the public and the admin port.
func runGateway(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	return runGatewayWith(ctx, args, getenv, out, func(_ *role, d gateway.Desk) gateway.Desk { return d })
}

// runGatewayWith lets a benchmark put another desk behind the same edge.
func runGatewayWith(ctx context.Context, args []string, getenv func(string) string, out io.Writer, swap func(*role, gateway.Desk) gateway.Desk) error {
	r, err := begin(ctx, "gateway", args, getenv, out, nil, "postgres", "redis", "kafka", "admin-token")
	if err != nil {
		return err
	}
	_, events, err := r.logs(ctx)
	if err != nil {
		return err
	}
	keeper, office, secret, err := r.keeper(ctx)
	if err != nil {
		return err
	}
	producer := stream.NewProducer(r.brokers())
	holds := r.holds()
	till, err := r.till()
	if err != nil {
		return err
	}
	counter := desk.New(desk.Config{
		Node: r.Node, Checkout: r.Checkout, Wait: r.BookWait, Limit: r.SeatLimit, Append: appender(producer), Action: r.store.Action, Log: r.log,
		Stranded:     desk.Stranded(r.Stranded),
		ValidPayment: func(p booking.Payment) bool { return p.Method == r.PaymentProvider && till.valid(p.Token) },
	}, holds, r.store)
	keys := desk.NewIdempotency(r.store, r.log)
	proxies, err := networks(r.TrustedProxy)
	if err != nil {
		return err
	}
	reading, err := pgcatalog.Open(ctx, r.Postgres, max(2, r.PGConns/2))
	if err != nil {
		return err
	}
	defer reading.Close()
	site, pictures, err := r.pictures(getenv)
	if err != nil {
		return err
	}
	views := catalog.New(catalog.Config{
		Truth: reading, Map: seatmap.New(holds, counter.LoadMap), Shelf: redisfacts.New(r.redis, "usher"), RoomOf: r.roomInfo(keeper), Key: secret, Log: r.log,
		Image: func(stored string) string { return site.URL(stored, images.Full) },
	})
	stock := pgstock.New(reading.Pool())
	finder, err := r.finder(reading, stock, secret)
	if err != nil {
		return err
	}
	edge := gateway.New(gateway.Config{
		Addr: r.Addr, AdminAddr: r.AdminAddr, AdminToken: r.AdminToken, PublicURL: r.PublicURL, SecureCookies: r.SecureCookie,
		TrustedProxies: proxies, VisitorRate: r.VisitorRate, Checkout: r.Checkout, Limit: r.SeatLimit, Log: r.log,
		Streams: r.Streams, StreamsPerAddress: r.StreamsEach, Site: site, Card: till.card,
	}, gateway.Parts{
		Waitroom: keeper, Desk: swap(r, counter), Idempotency: keys, Catalog: views, Sitemap: reading, Search: finder, Admin: keeper, Office: office, Sandbox: till.box, Webhook: till.hook, Images: pictures,
		Receivers: webhook.NewOffice(r.store, r.WebhooksPrivate),
		Ready:     func(ctx context.Context) error { return r.redis.Ping(ctx).Err() },
	})
	behind := &doorHealth{load: counter.Load, waits: r.store.Waits}
	keeper.Follow(behind.Now)
	r.parts = append(r.parts, producer.Run, counter.Run, keys.Run, edge.Run, behind.Run,
		func(ctx context.Context) error { return hint.Listen(ctx, r.redis, r.Node, counter.Results, r.log) },
		func(ctx context.Context) error { return r.followSales(ctx, events, keeper, behind) },
		func(ctx context.Context) error { return stock.Run(ctx, r.log) })
	return r.run(ctx)
}

// searchIndex is the index that Elasticsearch keeps.
func (r *role) searchIndex() (*elastic.Client, error) {
	servers, err := elastic.Open(strings.Split(r.Elasticsearch, ","), r.IndexPrefix)
	if err != nil {
		return nil, fmt.Errorf("--elasticsearch: %w", err)
	}
	return servers, nil
}

// finder composes what finds events: Postgres, or Elasticsearch with Postgres behind it.
func (r *role) finder(reading *pgcatalog.Store, stock *pgstock.Stock, secret []byte) (search.Engine, error) {
	// It has a deadline of its own. The guard before it is for a Postgres that hangs: without one every search would wait for that deadline.
	inPostgres := fallback.New(fallback.Config{Name: "postgres", Wait: 2 * time.Second, AtOnce: 256, Log: r.log}, pgtext.New(reading.Pool(), secret), nil)
	if r.Elasticsearch == "" {
		return inPostgres, nil
	}
	servers, err := r.searchIndex()
	if err != nil {
		return nil, err
	}
	return fallback.New(fallback.Config{Name: "elasticsearch", Log: r.log}, elastic.New(servers, secret, stock.Fill), inPostgres), nil
}

// keeper composes the waiting room. secret signs cursors: it is the same on every gateway.
func (r *role) keeper(ctx context.Context) (keeper *waitroom.Keeper, office *waitroom.Office, secret []byte, err error) {
	if r.SecretFile == "" || r.PassKeysFile == "" {
		return nil, nil, nil, r.Need("secret-file", "pass-keys-file")
	}
	if err := errors.Join(waitroom.EnsureSecrets(r.SecretFile), pass.EnsureKeys(r.PassKeysFile)); err != nil {
		return nil, nil, nil, err
	}
	sealer, err := waitroom.LoadSecrets(r.SecretFile)
	if err != nil {
		return nil, nil, nil, err
	}
	signing, err := pass.LoadKeys(r.PassKeysFile)
	if err != nil {
		return nil, nil, nil, err
	}
	line, ledger := redisline.New(r.redis), pgledger.New(r.store.Pool())
	passes := pass.New(signing, r.PublicURL, guard.Now)
	keeper = waitroom.NewKeeper(line, ledger, sealer, passes, r.log)
	keeper.GoBy(guard.Now)
	office = waitroom.NewOffice(keeper, ledger, r.log)
	if r.RoomsFile != "" {
		file, err := os.ReadFile(r.RoomsFile)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("--rooms-file: %w", err)
		}
		if err := office.Load(ctx, file); err != nil {
			return nil, nil, nil, fmt.Errorf("--rooms-file %s: %w", r.RoomsFile, err)
		}
	}
	if err := keeper.Read(ctx); err != nil {
		return nil, nil, nil, fmt.Errorf("read the rooms: %w", err)
	}
	secrets, keys := r.keyFiles(sealer, passes)
	for _, f := range []*keyFile{secrets, keys} { // from now on what changes is seen
		if _, err := f.look(); err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", f.path, err)
		}
	}
	r.parts = append(r.parts, line.Run, ledger.Run, keeper.Run, func(ctx context.Context) error { return r.followKeys(ctx, secrets, keys) })
	return keeper, office, sealer.Derive("cursors"), nil
}

// roomInfo tells event views of the waiting room in front of an event.
func (r *role) roomInfo(keeper *waitroom.Keeper) func(id.Event) (catalog.RoomInfo, bool) {
	return func(e id.Event) (catalog.RoomInfo, bool) {
		room, guarded := keeper.RoomOf(e)
		if !guarded {
			return catalog.RoomInfo{}, false
		}
		return catalog.RoomInfo{ID: room.Room, Active: room.Active, State: string(room.State), JoinURL: r.PublicURL + "/rooms/" + room.Room}, true
	}
}

// stockEvery is how often the stock behind rooms is read from Postgres: events of the log that were missed are made good.
const stockEvery = 5 * time.Second

// followSales hands what the booking core tells to the door: how much is left, and whose session is done.
func (r *role) followSales(ctx context.Context, events *stream.Log, keeper *waitroom.Keeper, behind *doorHealth) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return events.Follow(ctx, command.Partitions, func(m stream.Record) {
			var e event.Event
			if err := json.Unmarshal(m.Value, &e); err != nil {
				r.log.Warn("an event cannot be read", "offset", m.Offset, "err", err)
				return
			}
			behind.heard(&e, time.Now())
			keeper.SetStock(e.Event, stockOf(e.Stock))
			if e.Ends() && e.Session.JTI != "" {
				if err := keeper.Release(ctx, e.Session.Room, e.Owner, e.Session.JTI); err != nil {
					r.log.Warn("a session is not released; it runs out", "err", err)
				}
			}
		})
	})
	g.Go(func() error {
		for ctx.Err() == nil {
			for _, room := range keeper.Rooms() {
				for _, e := range room.Events {
					if s, err := r.store.Stock(ctx, e); err == nil && s.Capacity > 0 {
						keeper.SetStock(e, stockOf(s))
					}
				}
			}
			wait := stockEvery
			if len(keeper.Rooms()) == 0 {
				wait = time.Second
			}
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
		return nil
	})
	return g.Wait()
}

// stockOf is what the door needs to know of an event's seats.
func stockOf(s event.Stock) waitroom.Stock {
	return waitroom.Stock{Known: true, Left: s.Free + s.Reserved, Sold: s.Booked, Version: s.Version}
}

// runWorker decides commands.
func runWorker(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	r, err := begin(ctx, "worker", args, getenv, out, nil, "postgres", "redis", "kafka")
	if err != nil {
		return err
	}
	commands, _, err := r.logs(ctx)
	if err != nil {
		return err
	}
	w := worker.New(worker.Config{
		Node: r.Node, Lease: r.Lease, Log: r.log,
		Notify: func(ctx context.Context, results map[string][]command.Result) {
			if err := hint.Publish(ctx, r.redis, results); err != nil {
				r.log.Debug("results are not hinted; the table has them", "err", err)
			}
		},
	}, r.store, commands)
	r.parts = append(r.parts, w.Run, r.metrics)
	return r.run(ctx)
}

// webhookConns are the connections of a relay that tell organisers: a pool of their own, so that they wait for each other and never the relay for them.
const webhookConns = 4

// resultsLonger is how much longer than the log of commands their results are kept: time for somebody who restores a store, or asks what became of a command.
const resultsLonger = 7 * 24 * time.Hour

// runRelay tells the world, charges payers and ends what has run out.
func runRelay(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	r, err := begin(ctx, "relay", args, getenv, out, nil, "postgres", "redis", "kafka")
	if err != nil {
		return err
	}
	if _, _, err := r.logs(ctx); err != nil {
		return err
	}
	providers, err := r.providers()
	if err != nil {
		return err
	}
	producer := stream.NewProducer(r.brokers())
	cashier := payment.NewCashier(payment.Config{Providers: providers, Append: appender(producer), Log: r.log}, r.store)
	letters, err := pgstore.Open(ctx, r.Postgres, webhookConns)
	if err != nil {
		return err
	}
	defer letters.Close()
	teller := relay.New(r.store, producer, r.holds().Apply, r.log)
	teller.Forget(r.KafkaRetention + resultsLonger)
	r.parts = append(r.parts, producer.Run, cashier.Run, teller.Run, r.metrics,
		webhook.NewDispatcher(letters, webhook.NewClient(r.WebhooksPrivate), r.log).Run)
	return r.run(ctx)
}

// runMigrate brings the schema up to date.
func runMigrate(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	c, err := config.Load("migrate", args, getenv, out, nil)
	if err != nil {
		return err
	}
	if err := c.Need("postgres"); err != nil {
		return err
	}
	return pgstore.Migrate(ctx, c.Postgres)
}

// runConfig prints every setting.
func runConfig(_ context.Context, _ []string, _ func(string) string, out io.Writer) error {
	config.Markdown(out)
	return nil
}

// runImport reads venues and events from files, or the demo catalog.
func runImport(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	var o importer.Options
	var set *flag.FlagSet
	c, err := config.Load("import", args, getenv, out, func(f *flag.FlagSet) {
		set = f
		f.BoolVar(&o.Demo, "demo", false, "read the demo catalog that ships with Usher")
		f.BoolVar(&o.Tickets, "tickets", false, "create the tickets of every event, as if its sale opened")
		f.BoolVar(&o.AllowRefused, "allow-refused", false, "refused records are reported and are no failure")
		f.StringVar(&o.Shift, "shift", "", "move matches by so many days, or auto: the first lies ahead")
		f.StringVar(&o.Format, "format", "", "of the files: "+strings.Join(importer.Formats, ", ")+" (default: each by its name and content)")
		f.IntVar(&o.Seats, "seats", 0, "seats of an event of a page or table that says none (default: such events are refused)")
		f.StringVar(&o.Defaults.Country, "country", "", "country of places that tell none, such as DE")
		f.StringVar(&o.Defaults.Zone, "time-zone", "", "zone of places whose zone cannot be found out, such as Europe/Berlin")
		f.StringVar(&o.Defaults.Price, "price", "", "price of events that tell none, such as 25 or 25.50")
	})
	if err != nil {
		return err
	}
	if err := c.Need("postgres"); err != nil {
		return err
	}
	o.Postgres, o.Files, o.Stdin = c.Postgres, set.Args(), os.Stdin
	if o.Images, err = imagesForImport(ctx, c.Images, getenv); err != nil {
		return err
	}
	return importer.Run(ctx, o, out)
}

// networks reads a comma-separated list of CIDR networks.
func networks(list string) (out []*net.IPNet, err error) {
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		_, n, err := net.ParseCIDR(text)
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies: %q is no network such as 10.0.0.0/8", text)
		}
		out = append(out, n)
	}
	return out, nil
}
