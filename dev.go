package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"usher/catalog/data"
	"usher/deploy/local"
	"usher/internal/config"
	"usher/internal/telemetry"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// realEngines is the value of --engines that asks for Apache Kafka and Elasticsearch.
const realEngines = "real"

const storeGrace = 20 * time.Second // how long a store may take to write its data and end

// runDev runs the whole system on this machine: private stores where no address is given, the schema, the demo catalog at the first start,
// and every role as a child process of the same binary. When ctx ends it stops what it started, in reverse order.
func runDev(ctx context.Context, args []string, getenv func(string) string, out io.Writer) (err error) {
	d := &devSystem{out: out, lines: local.NewLines(out)}
	if d.Config, err = config.Load("dev", args, getenv, out, nil); err != nil {
		return err
	}
	if d.log, err = telemetry.Logger(d.lines.Of("dev"), d.LogLevel, "dev", d.Node); err != nil {
		return err
	}
	if d.binary, err = os.Executable(); err != nil {
		return err
	}
	if d.folder, err = local.OpenFolder(d.Data); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	defer func() { err = errors.Join(err, d.folder.Close()) }()
	if d.Images == "" {
		d.Images = filepath.Join(d.folder.Path, "images")
	}

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	d.fail = fail
	defer func() { err = errors.Join(err, d.stop()) }()
	err = d.start(ctx)
	if err == nil {
		<-ctx.Done()
	}
	if len(d.stops) > 0 {
		fmt.Fprintln(out, "\nStopping.")
	}
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return err // a step failed
	case errors.Is(cause, context.Canceled):
		return nil // we were told to end
	default:
		return cause // a part gave up, and maybe cut a step short
	}
}

// devSystem is everything that one `usher dev` started.
type devSystem struct {
	config.Config
	out    io.Writer
	lines  *local.Lines
	log    *slog.Logger
	binary string
	folder *local.Folder
	fail   context.CancelCauseFunc // ends the whole system
	stops  []func() error          // undo what was started, in the order of starting
}

// start returns when the system serves.
func (d *devSystem) start(ctx context.Context) error {
	for _, role := range slices.Backward(devRoles) {
		if err := d.stopLeftOver(ctx, role); err != nil {
			return err
		}
	}
	steps := []func(context.Context) error{d.checkPorts, d.startPostgres, d.startRedis, d.startKafka, d.startElasticsearch, d.makeSecrets, d.migrate,
		d.importDemo, d.demoRooms, d.startRoles, d.waitReady, d.announce}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stop undoes start. Every step is bounded: a process that does not end in its time is killed.
func (d *devSystem) stop() error {
	var errs []error
	for _, stop := range slices.Backward(d.stops) {
		errs = append(errs, stop())
	}
	return errors.Join(errs...)
}

func (d *devSystem) startPostgres(ctx context.Context) error {
	if d.Postgres != "" {
		return nil
	}
	fmt.Fprintln(d.out, "Starting a private Postgres in", d.folder.Engine("postgres"))
	p, err := local.StartPostgres(ctx, local.PostgresConfig{Dir: d.folder.Engine("postgres")})
	if err != nil {
		return err
	}
	d.Postgres = p.DSN()
	d.watch("Postgres", p.Process)
	return nil
}

func (d *devSystem) startRedis(ctx context.Context) error {
	if d.Redis != "" {
		return nil
	}
	fmt.Fprintln(d.out, "Starting a private Redis in", d.folder.Engine("redis"))
	r, err := local.StartRedis(ctx, local.RedisConfig{Dir: d.folder.Engine("redis")})
	if err != nil {
		return err
	}
	d.Redis = r.Addr()
	d.watch("Redis", r.Process)
	return nil
}

func (d *devSystem) startKafka(ctx context.Context) error {
	if d.Kafka != "" {
		return nil
	}
	if d.Engines == realEngines {
		return d.startApacheKafka(ctx)
	}
	fmt.Fprintln(d.out, "Serving Kafka's protocol from", d.folder.Engine("kafka"))
	k, err := local.StartKafka(ctx, local.KafkaConfig{Dir: d.folder.Engine("kafka")})
	if err != nil {
		return err
	}
	d.Kafka = k.Addr()
	d.stops = append(d.stops, func() error { k.Stop(); return nil })
	return nil
}

func (d *devSystem) startApacheKafka(ctx context.Context) error {
	fmt.Fprintln(d.out, "Starting a private Apache Kafka in", d.folder.Engine("apache-kafka"), "(the first start of all downloads it: 43 MB)")
	k, err := local.StartApacheKafka(ctx, local.ApacheKafkaConfig{Dir: d.folder.Engine("apache-kafka"), Cache: local.JarCache(d.folder.Path)})
	if err != nil {
		return err
	}
	d.Kafka = k.Addr()
	d.watch("Apache Kafka", k.Process)
	return nil
}

func (d *devSystem) startElasticsearch(ctx context.Context) error {
	if d.Elasticsearch != "" || d.Engines != realEngines {
		return nil
	}
	fmt.Fprintln(d.out, "Starting a private Elasticsearch in", d.folder.Engine("elasticsearch"), "(the first start of all downloads it: 36 MB)")
	e, err := local.StartElasticsearch(ctx, local.ElasticsearchConfig{Dir: d.folder.Engine("elasticsearch"), Cache: local.JarCache(d.folder.Path)})
	if err != nil {
		return err
	}
	d.Elasticsearch = e.URL()
	d.watch("Elasticsearch", e.Process)
	return nil
}

// watch ends the system when a store of ours ends, and the store when the system ends.
func (d *devSystem) watch(name string, p *local.Process) {
	go func() {
		<-p.Done()
		d.fail(fmt.Errorf("%s ended by itself: %w; its log is under %s", name, p.Err(), d.folder.Path))
	}()
	d.stops = append(d.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), storeGrace)
		defer cancel()
		return p.Stop(ctx)
	})
}

// makeSecrets makes the files that nobody gave: the admin token and the keys. They stay from start to start, so that places and passes do.
func (d *devSystem) makeSecrets(context.Context) error {
	if d.SecretFile == "" {
		d.SecretFile = filepath.Join(d.folder.Path, "secrets.json")
	}
	if d.PassKeysFile == "" {
		d.PassKeysFile = filepath.Join(d.folder.Path, "pass-keys.json")
	}
	if err := errors.Join(waitroom.EnsureSecrets(d.SecretFile), pass.EnsureKeys(d.PassKeysFile)); err != nil {
		return err
	}
	if d.AdminToken != "" {
		return nil
	}
	file := filepath.Join(d.folder.Path, "admin-token")
	token, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(token) == 0 { // a crash may have cut the write short
		token = []byte(rand.Text())
		err = os.WriteFile(file, token, 0o600)
	}
	d.AdminToken = strings.TrimSpace(string(token))
	return err
}

func (d *devSystem) migrate(ctx context.Context) error { return d.once(ctx, "migrate") }

// demoRooms puts the waiting room of the demo catalog in place, unless a file of rooms was given.
func (d *devSystem) demoRooms(context.Context) error {
	if d.RoomsFile != "" {
		return nil
	}
	rooms, err := data.Files.ReadFile("demo/rooms.json")
	if err != nil {
		return err
	}
	d.RoomsFile = filepath.Join(d.folder.Path, "rooms.json")
	return os.WriteFile(d.RoomsFile, rooms, 0o600)
}

// importDemo fills the database once. The mark that it was done lies with the data it speaks of.
func (d *devSystem) importDemo(ctx context.Context) error {
	mark := d.folder.Engine("demo-imported")
	if _, err := os.Stat(d.folder.Engine("postgres")); err == nil {
		mark = filepath.Join(d.folder.Engine("postgres"), "demo-imported")
	}
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	if err := d.once(ctx, "import", "--demo"); err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o600)
}
