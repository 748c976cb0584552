package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// PostgresConfig says where a private Postgres lives.
type PostgresConfig struct {
	Dir      string            // its folder, made if missing
	Files    map[string]string // files to make in Dir that only the engine can read, for settings to name
	Settings map[string]string // postgresql.conf parameters beside or instead of ours; fsync is on unless set here
	NoSync   bool              // initdb does not wait for the disk; for tests
}

// Postgres is a running private server with one superuser, "usher", and one database, "usher".
type Postgres struct {
	*Process
	dsn string
}

// StartPostgres starts the server of cfg.Dir, after making it (initdb) if the folder is new, and returns when it takes
// connections. ErrMissing: Postgres is not installed.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	p, err := startPostgres(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("private Postgres in %s: %w", cfg.Dir, err)
	}
	return p, nil
}

func startPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	e, err := openEngine(ctx, "postgres", cfg.Dir, syscall.SIGINT, "postgres", "nobody") // SIGINT: "fast shutdown"
	if err != nil {
		return nil, err
	}
	if err := e.writeAll(cfg.Files); err != nil {
		return nil, err
	}
	bin, err := findPostgres(e.data())
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(e.data()); errors.Is(err, os.ErrNotExist) {
		if err := e.initdb(ctx, bin, cfg.NoSync); err != nil {
			return nil, err
		}
	}
	password, err := os.ReadFile(e.path("password"))
	if err != nil {
		return nil, err
	}
	if err := e.dropStalePid(); err != nil {
		return nil, err
	}
	p := &Postgres{}
	err = enginePorts.onFree(e.path("port"), func(port int) error {
		p.dsn = postgresDSN(string(password), port)
		p.Process, err = e.startServer(ctx, filepath.Join(bin, "postgres"), postgresArgs(e.data(), port, cfg.Settings))
		return err
	})
	return p, err
}

// startServer waits for the backends of a killed server: one in the middle of a query ends only with it, and until then Postgres
// rightly refuses to start.
func (e *engine) startServer(ctx context.Context, path string, args []string) (*Process, error) {
	for {
		p, err := e.start(ctx, path, args, e.postgresReady)
		if err == nil || !strings.Contains(err.Error(), "is still in use") || ctx.Err() != nil {
			return p, err
		}
		time.Sleep(10 * pollEvery)
	}
}

// DSN is the URL of the database "usher".
func (p *Postgres) DSN() string { return p.dsn }

func postgresDSN(password string, port int) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("usher", password), Host: loopback(port), Path: "/usher", RawQuery: "sslmode=disable"}
	return u.String()
}

// initdb makes the database cluster beside its place and moves it there when it is complete, so that a crash on the way
// leaves nothing that looks like data.
func (e *engine) initdb(ctx context.Context, bin string, noSync bool) error {
	fresh := e.path("data.new")
	if err := errors.Join(os.RemoveAll(fresh), e.write("password", rand.Text())); err != nil {
		return err
	}
	// Sorting by bytes is fast and the same everywhere; the character type tells search what a letter is.
	args := []string{"-D", fresh, "-U", "usher", "--auth=scram-sha-256", "--pwfile=" + e.path("password"),
		"--encoding=UTF8", "--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C"}
	if noSync {
		args = append(args, "--no-sync")
	}
	if err := e.run(ctx, "", filepath.Join(bin, "initdb"), args...); err != nil {
		return err
	}
	// Single-user mode needs neither port nor password.
	if err := e.run(ctx, "CREATE DATABASE usher\n", filepath.Join(bin, "postgres"), "--single", "-D", fresh, "postgres"); err != nil {
		return err
	}
	return os.Rename(fresh, e.data())
}

// postgresArgs are ours, then those of the caller, which win.
func postgresArgs(data string, port int, settings map[string]string) []string {
	ours := []string{
		"listen_addresses=127.0.0.1", fmt.Sprint("port=", port),
		"unix_socket_directories=", // a socket's path may not exceed 107 bytes, a data folder's may
		"max_connections=200", "shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=15min",
		"random_page_cost=1.1", "jit=off", "log_checkpoints=off", "log_line_prefix=%m [%p] ",
	}
	for name, value := range settings {
		ours = append(ours, name+"="+value)
	}
	args := []string{"-D", data}
	for _, setting := range ours {
		args = append(args, "-c", setting)
	}
	return args
}

// postgresReady reads what pg_ctl reads: the last line of postmaster.pid says when the server takes connections.
func (e *engine) postgresReady(pid int) bool {
	text, err := os.ReadFile(filepath.Join(e.data(), "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	return err == nil && len(lines) > 7 && lines[0] == fmt.Sprint(pid) && strings.TrimSpace(lines[7]) == "ready"
}

// dropStalePid removes the postmaster.pid of a server that we started and that has ended. Postgres does so itself, except when
// the number lives on, as another process or as a zombie that nobody reaps: both are usual in containers. Backends that are still
// alive do no harm: Postgres finds them by its shared memory.
func (e *engine) dropStalePid() error {
	file := filepath.Join(e.data(), "postmaster.pid")
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	pid, started, err := readPid(e.path("pid"))
	if err != nil || pid == 0 || startTime(pid) == started || !strings.HasPrefix(string(text), fmt.Sprintln(pid)) {
		return err
	}
	return os.Remove(file)
}

// findPostgres returns the folder of the newest Postgres programs, or of those that fit data if it exists already.
func findPostgres(data string) (bin string, err error) {
	candidates, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // Debian and Ubuntu keep initdb out of the PATH
	if path, err := exec.LookPath("initdb"); err == nil {
		candidates = append(candidates, filepath.Dir(path))
	}
	versions := map[string]string{}
	for _, dir := range candidates {
		if v := postgresVersion(dir); v != "" {
			versions[v] = dir
		}
	}
	if len(versions) == 0 {
		return "", fmt.Errorf("%w: PostgreSQL (initdb and postgres)", ErrMissing)
	}
	if made, err := os.ReadFile(filepath.Join(data, "PG_VERSION")); err == nil {
		want := strings.TrimSpace(string(made))
		if versions[want] == "" {
			return "", fmt.Errorf("%w: PostgreSQL %s, which made the data in %s", ErrMissing, want, data)
		}
		return versions[want], nil
	}
	newest := slices.MaxFunc(slices.Collect(maps.Keys(versions)), func(a, b string) int {
		return 2*(len(a)-len(b)) + strings.Compare(a, b) // whole numbers as text
	})
	return versions[newest], nil
}

// postgresVersion asks the server program in dir for its major version; "" if initdb or postgres is not there.
func postgresVersion(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return ""
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output() // postgres (PostgreSQL) 15.18 (Debian …)
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 3 {
		return ""
	}
	major, _, _ := strings.Cut(fields[2], ".")
	return major
}
