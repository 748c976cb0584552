// Package config is the one table of everything that can be set. A setting comes from its flag, else from its
// environment variable, else from its default. docs/configuration.md is this table; a test compares them.
package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/internal/address"
)

// Config holds the settings of every role. A role reads those that it needs.
type Config struct {
	Postgres string
	Redis    string
	Kafka    string
	// Elasticsearch are URLs, comma-separated; empty: search is on Postgres.
	Elasticsearch string
	IndexPrefix   string
	PGConns       int

	PostgresPasswordFile      string // its content is in Postgres already
	RedisPasswordFile         string // likewise
	KafkaPasswordFile         string // likewise
	ElasticsearchPasswordFile string // likewise
	KafkaReplicas             int
	KafkaRetention            time.Duration

	Addr         string
	AdminAddr    string
	MetricsAddr  string
	AdminToken   string // or what AdminTokenFile holds
	PublicURL    string
	SecureCookie bool
	TrustedProxy string
	VisitorRate  int
	Streams      int
	StreamsEach  int

	AdminTokenFile string

	SecretFile   string
	PassKeysFile string
	RoomsFile    string
	Node         string
	LogLevel     string

	HoldFor   time.Duration
	HoldCap   time.Duration
	Checkout  time.Duration
	SeatLimit int
	Stranded  string
	Unpaid    int
	CoolDown  time.Duration
	BookWait  time.Duration

	Lease time.Duration

	PaymentProvider         string
	StripeKeyFile           string
	StripeKey               string // what StripeKeyFile holds
	StripeWebhookSecretFile string
	StripeWebhookSecret     string // likewise
	StripePublishableKey    string
	StripeJSURL             string
	StripeURL               string

	Images    string
	ImagesURL string

	WebhooksPrivate bool

	Engines string
	Data    string
}

// Setting is one row of the table.
type Setting struct {
	Flag    string // without dashes
	Env     string
	Default string
	Usage   string
	Roles   string // who reads it
	set     func(c *Config, value string) error
}

// Settings returns the table in the order of the documentation.
func Settings() []Setting {
	const stores, logs, edge, all = "gateway worker relay indexer reindex import generate migrate audit report partitions dev", "gateway worker relay indexer reindex topics dev", "gateway dev", "all"
	return []Setting{
		{"postgres", "USHER_POSTGRES", "", "Postgres connection string (dev: empty starts a private one)", stores, text(func(c *Config) *string { return &c.Postgres })},
		{"postgres-password-file", "USHER_POSTGRES_PASSWORD_FILE", "", "file of the password that the Postgres URL lacks", stores, text(func(c *Config) *string { return &c.PostgresPasswordFile })},
		{"redis", "USHER_REDIS", "", "Redis address, host:port or a URL: redis://, redis+sentinel://, redis+cluster://, rediss… for TLS (dev: empty starts a private one)", "gateway worker relay dev", text(func(c *Config) *string { return &c.Redis })},
		{"redis-password-file", "USHER_REDIS_PASSWORD_FILE", "", "file of the password that the Redis URL lacks", "gateway worker relay dev", text(func(c *Config) *string { return &c.RedisPasswordFile })},
		{"kafka", "USHER_KAFKA", "", "Kafka brokers, comma-separated host:port or a URL: kafka://, kafkas:// for TLS (dev: empty serves the protocol in-process)", logs + " audit", text(func(c *Config) *string { return &c.Kafka })},
		{"kafka-password-file", "USHER_KAFKA_PASSWORD_FILE", "", "file of the password that the Kafka URL lacks", logs + " audit", text(func(c *Config) *string { return &c.KafkaPasswordFile })},
		{"kafka-replicas", "USHER_KAFKA_REPLICAS", "1", "brokers that keep a copy of each log, 1 to 9: 3 where nothing may be lost", logs, number(func(c *Config) *int { return &c.KafkaReplicas }, 1, 9)},
		{"kafka-retention", "USHER_KAFKA_RETENTION", "168h", "how long a log keeps its messages, 1h to 8760h: longer than a recovery takes", logs, duration(func(c *Config) *time.Duration { return &c.KafkaRetention }, time.Hour, 8760*time.Hour)},
		{"elasticsearch", "USHER_ELASTICSEARCH", "", "Elasticsearch URLs, comma-separated, https:// for TLS; empty: search is on Postgres (dev: with real engines a private one)", "gateway indexer reindex dev", text(func(c *Config) *string { return &c.Elasticsearch })},
		{"elasticsearch-password-file", "USHER_ELASTICSEARCH_PASSWORD_FILE", "", "file of the password that the Elasticsearch URLs lack", "gateway indexer reindex dev", text(func(c *Config) *string { return &c.ElasticsearchPasswordFile })},
		{"pg-conns", "USHER_PG_CONNS", "16", "Postgres connections of one process, 2 to 200", stores, number(func(c *Config) *int { return &c.PGConns }, 2, 200)},
		{"index-prefix", "USHER_INDEX_PREFIX", "usher-events", "what the names of search indices begin with: another for each system that shares the servers", "gateway indexer reindex dev", indexName(func(c *Config) *string { return &c.IndexPrefix })},
		{"addr", "USHER_ADDR", ":8080", "public address to listen on", edge, text(func(c *Config) *string { return &c.Addr })},
		{"admin-addr", "USHER_ADMIN_ADDR", ":8081", "admin address to listen on: keep it private", "gateway dev health", text(func(c *Config) *string { return &c.AdminAddr })},
		{"metrics-addr", "USHER_METRICS_ADDR", "", "address that serves /metrics, /healthz and /readyz; empty: none. Keep it private", "worker relay indexer audit health", text(func(c *Config) *string { return &c.MetricsAddr })},
		{"admin-token", "USHER_ADMIN_TOKEN", "", "bearer token of the admin port, 16 characters or more (dev: made and printed)", edge, text(func(c *Config) *string { return &c.AdminToken })},
		{"admin-token-file", "USHER_ADMIN_TOKEN_FILE", "", "file of the admin token, instead of it", edge, text(func(c *Config) *string { return &c.AdminTokenFile })},
		{"public-url", "USHER_PUBLIC_URL", "http://localhost:8080", "how fans reach the public port; the issuer of passes", edge + " relay", text(func(c *Config) *string { return &c.PublicURL })},
		{"secure-cookies", "USHER_SECURE_COOKIES", "false", "mark cookies Secure: set it behind TLS", "gateway", boolean(func(c *Config) *bool { return &c.SecureCookie })},
		{"trusted-proxies", "USHER_TRUSTED_PROXIES", "", "networks (CIDR, comma-separated) whose X-Forwarded-For is believed", "gateway", text(func(c *Config) *string { return &c.TrustedProxy })},
		{"visitor-rate", "USHER_VISITOR_RATE", "6000", "new visitors a minute from one client address, 1 to 1,000,000", "gateway", number(func(c *Config) *int { return &c.VisitorRate }, 1, 1_000_000)},
		{"streams", "USHER_STREAMS", "50000", "open seat streams of one gateway, 1 to 1,000,000", "gateway", number(func(c *Config) *int { return &c.Streams }, 1, 1_000_000)},
		{"streams-per-address", "USHER_STREAMS_PER_ADDRESS", "100", "of them from one client address, 1 to 1,000,000", "gateway", number(func(c *Config) *int { return &c.StreamsEach }, 1, 1_000_000)},
		{"secret-file", "USHER_SECRET_FILE", "", "file of the keys that seal visitor tokens and places (dev: made)", "gateway", text(func(c *Config) *string { return &c.SecretFile })},
		{"pass-keys-file", "USHER_PASS_KEYS_FILE", "", "file of the Ed25519 keys that sign passes (dev: made)", "gateway", text(func(c *Config) *string { return &c.PassKeysFile })},
		{"rooms-file", "USHER_ROOMS_FILE", "", "JSON file of waiting rooms; empty: those already in Postgres (dev: the demo room)", "gateway dev", text(func(c *Config) *string { return &c.RoomsFile })},
		{"node", "USHER_NODE", "", "name of this process, unique in the system (empty: host and process id)", "gateway worker relay indexer reindex", text(func(c *Config) *string { return &c.Node })},
		{"log-level", "USHER_LOG_LEVEL", "info", "debug, info, warn or error", all, text(func(c *Config) *string { return &c.LogLevel })},
		{"hold", "USHER_HOLD", "10m", "how long seats are held, 1s to 1h", "gateway relay", duration(func(c *Config) *time.Duration { return &c.HoldFor }, time.Second, time.Hour)},
		{"hold-cap", "USHER_HOLD_CAP", "30m", "how long with all extensions, from the first hold, 1s to 4h", "gateway", duration(func(c *Config) *time.Duration { return &c.HoldCap }, time.Second, 4*time.Hour)},
		{"checkout", "USHER_CHECKOUT", "10m", "how long a reserved booking waits for its payment, 1s to 1h", "gateway", duration(func(c *Config) *time.Duration { return &c.Checkout }, time.Second, time.Hour)},
		{"seat-limit", "USHER_SEAT_LIMIT", "8", "tickets a visitor may hold or book of one event, 1 to 50", "gateway", number(func(c *Config) *int { return &c.SeatLimit }, 1, 50)},
		{"stranded-seats", "USHER_STRANDED_SEATS", "off", "whether a hold may leave a single seat alone. off: it may; lenient: not while as many seats side by side are free in its row; strict: nor anywhere at its price", "gateway", choice(func(c *Config) *string { return &c.Stranded }, "off", "lenient", "strict")},
		{"unpaid-holds", "USHER_UNPAID_HOLDS", "0", "how many holds of one event a visitor may let run out unpaid before he waits, 1 to 20; 0: nobody waits", "gateway", number(func(c *Config) *int { return &c.Unpaid }, 0, 20)},
		{"cool-down", "USHER_COOL_DOWN", "10m", "how long he waits, from the end of the last, 1s to 24h", "gateway", duration(func(c *Config) *time.Duration { return &c.CoolDown }, time.Second, 24*time.Hour)},
		{"book-wait", "USHER_BOOK_WAIT", "2s", "how long a call waits for the worker before it answers 202, 10ms to 10s", "gateway", duration(func(c *Config) *time.Duration { return &c.BookWait }, 10*time.Millisecond, 10*time.Second)},
		{"lease", "USHER_LEASE", "3s", "how long a dead worker's partitions wait for another, 500ms to 1m", "worker", duration(func(c *Config) *time.Duration { return &c.Lease }, 500*time.Millisecond, time.Minute)},
		{"payment-provider", "USHER_PAYMENT_PROVIDER", "sandbox", "who takes the money: sandbox, which moves none, or stripe", "gateway relay", choice(func(c *Config) *string { return &c.PaymentProvider }, "sandbox", "stripe")},
		{"stripe-key-file", "USHER_STRIPE_KEY_FILE", "", "file of Stripe's secret key, sk_… or rk_…: needed for stripe, and as long as payments by it are under way; an audit compares Stripe's books where it has it", "relay audit", text(func(c *Config) *string { return &c.StripeKeyFile })},
		{"stripe-webhook-secret-file", "USHER_STRIPE_WEBHOOK_SECRET_FILE", "", "file of the signing secret of Stripe's webhooks, whsec_…; empty: none are heard, and a payment that waits for its payer is asked about after 1 s, 2, 4, and every 10 s at last", "gateway", text(func(c *Config) *string { return &c.StripeWebhookSecretFile })},
		{"stripe-publishable-key", "USHER_STRIPE_PUBLISHABLE_KEY", "", "Stripe's publishable key, pk_…: fans pay on the checkout page, in Stripe's own card form; empty: payments by stripe come through the API alone", "gateway", text(func(c *Config) *string { return &c.StripePublishableKey })},
		{"stripe-js-url", "USHER_STRIPE_JS_URL", "", "Stripe's script (empty: Stripe's own; tests have another)", "gateway", text(func(c *Config) *string { return &c.StripeJSURL })},
		{"stripe-url", "USHER_STRIPE_URL", "", "Stripe's API (empty: Stripe's own; tests have another)", "relay audit", text(func(c *Config) *string { return &c.StripeURL })},
		{"webhooks-private", "USHER_WEBHOOKS_PRIVATE", "false", "tell organisers also over http:// and at private addresses: for development, never where others name the address", "gateway relay", boolean(func(c *Config) *bool { return &c.WebhooksPrivate })},
		{"engines", "USHER_ENGINES", "embedded", "what dev starts for Kafka and search where no address is given. embedded: the protocol in-process, search on Postgres; real: Apache Kafka and Elasticsearch (needs Java)", "dev", choice(func(c *Config) *string { return &c.Engines }, "embedded", "real")},
		{"images", "USHER_IMAGES", "", "where pictures of events are kept: a folder, or s3://BUCKET/PREFIX?endpoint=URL&region=REGION (empty: no pictures; dev: a folder of its data)", "gateway import dev", text(func(c *Config) *string { return &c.Images })},
		{"images-url", "USHER_IMAGES_URL", "", "where browsers find pictures, such as a CDN before the bucket (empty: gateways serve them)", edge, text(func(c *Config) *string { return &c.ImagesURL })},
		{"data", "USHER_DATA", ".usher", "folder of everything that dev keeps", "dev", text(func(c *Config) *string { return &c.Data })},
	}
}

// Load reads the settings of a role from its arguments and the environment. Other flags may be declared on the
// returned set's owner through extra before parsing. flag.ErrHelp means that help was asked for and printed.
func Load(role string, args []string, getenv func(string) string, out io.Writer, extra func(*flag.FlagSet)) (Config, error) {
	var c Config
	set := flag.NewFlagSet("usher "+role, flag.ContinueOnError)
	set.SetOutput(out)
	given := map[string]string{}
	for _, s := range Settings() {
		if !s.readBy(role) {
			continue
		}
		set.Func(s.Flag, fmt.Sprintf("%s [%s] (default %q)", s.Usage, s.Env, s.Default), func(v string) error {
			given[s.Flag] = v
			return s.set(&Config{}, v) // complain while the flag's name is at hand
		})
	}
	if extra != nil {
		extra(set)
	}
	if err := set.Parse(args); err != nil {
		return c, err
	}
	if set.NArg() > 0 && extra == nil {
		return c, fmt.Errorf("usher %s takes no argument %q; see usher %s -h", role, set.Arg(0), role)
	}
	var errs []error
	for _, s := range Settings() {
		value, from := s.Default, "default"
		if v := getenv(s.Env); v != "" {
			value, from = v, s.Env
		}
		if v, ok := given[s.Flag]; ok {
			value, from = v, "--"+s.Flag
		}
		if err := s.set(&c, value); err != nil && s.readBy(role) {
			errs = append(errs, fmt.Errorf("%s: %w", from, err))
		}
	}
	if c.Node == "" {
		host, _ := os.Hostname()
		c.Node = host + "-" + strconv.Itoa(os.Getpid())
	}
	return c, errors.Join(append(errs, c.readSecrets(role))...)
}

// readSecrets puts what the files of secrets hold where the role looks for it. No error quotes a secret.
func (c *Config) readSecrets(role string) error {
	var errs []error
	for _, s := range []struct {
		flag, file string
		url        *string
	}{
		{"postgres", c.PostgresPasswordFile, &c.Postgres},
		{"redis", c.RedisPasswordFile, &c.Redis},
		{"kafka", c.KafkaPasswordFile, &c.Kafka},
		{"elasticsearch", c.ElasticsearchPasswordFile, &c.Elasticsearch},
	} {
		if s.file == "" || !reads(role, s.flag) {
			continue
		}
		password, err := address.Secret(s.file)
		if err == nil {
			*s.url, err = address.WithPassword(*s.url, password)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s and --%s-password-file: %w", s.flag, s.flag, err))
		}
	}
	if c.AdminTokenFile != "" && reads(role, "admin-token") {
		token, err := address.Secret(c.AdminTokenFile)
		if err == nil && c.AdminToken != "" {
			err = errors.New("the token is given as well: one of both is enough")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--admin-token-file: %w", err))
		}
		c.AdminToken = token
	}
	for _, s := range []struct {
		flag, file string
		secret     *string
	}{
		{"stripe-key-file", c.StripeKeyFile, &c.StripeKey},
		{"stripe-webhook-secret-file", c.StripeWebhookSecretFile, &c.StripeWebhookSecret},
	} {
		if s.file == "" || !reads(role, s.flag) {
			continue
		}
		var err error
		if *s.secret, err = address.Secret(s.file); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", s.flag, err))
		}
	}
	return errors.Join(errs...)
}

// Need reports the settings among the named flags that are empty, with how to give them.
func (c Config) Need(flags ...string) error {
	values := map[string]string{
		"postgres": c.Postgres, "redis": c.Redis, "kafka": c.Kafka, "elasticsearch": c.Elasticsearch, "admin-token": c.AdminToken,
		"secret-file": c.SecretFile, "pass-keys-file": c.PassKeysFile, "stripe-key-file": c.StripeKey,
	}
	var errs []error
	for _, s := range Settings() {
		for _, f := range flags {
			if v, known := values[f]; s.Flag == f && (!known || v == "") {
				errs = append(errs, fmt.Errorf("--%s (or %s) is needed: %s", s.Flag, s.Env, s.Usage))
			}
		}
	}
	return errors.Join(errs...)
}

// Markdown writes the table of docs/configuration.md.
func Markdown(w io.Writer) {
	fmt.Fprintln(w, "| flag | environment | default | read by | what it sets |\n|---|---|---|---|---|")
	for _, s := range Settings() {
		fmt.Fprintf(w, "| `--%s` | `%s` | %s | %s | %s |\n", s.Flag, s.Env, quoted(s.Default), s.Roles, s.Usage)
	}
}

func quoted(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + s + "`"
}

func (s Setting) readBy(role string) bool {
	if s.Roles == "all" {
		return true
	}
	for r := range strings.FieldsSeq(s.Roles) {
		if r == role {
			return true
		}
	}
	return false
}

// reads reports whether the role reads the flag.
func reads(role, flag string) bool {
	for _, s := range Settings() {
		if s.Flag == flag {
			return s.readBy(role)
		}
	}
	return false
}

func text(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error { *at(c) = v; return nil }
}

func choice(at func(*Config) *string, values ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("%q is none of %s", v, strings.Join(values, ", "))
		}
		*at(c) = v
		return nil
	}
}

// indexName takes what Elasticsearch takes as the beginning of a name.
func indexName(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !indexNames.MatchString(v) {
			return fmt.Errorf("%q is no name of 1 to 50 lower-case letters, digits and dashes that begins with a letter", v)
		}
		*at(c) = v
		return nil
	}
}

var indexNames = regexp.MustCompile(`^[a-z][a-z0-9-]{0,49}$`)

func boolean(at func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) error {
		b, err := strconv.ParseBool(v)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", v)
		}
		*at(c) = b
		return nil
	}
}

func number(at func(*Config) *int, low, high int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is no whole number from %d to %d", v, low, high)
		}
		*at(c) = n
		return nil
	}
}

func duration(at func(*Config) *time.Duration, low, high time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < low || d > high {
			return fmt.Errorf("%q is no duration from %s to %s (such as 90s or 10m)", v, low, high)
		}
		*at(c) = d
		return nil
	}
}
