package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"

	"usher/booking/command"
)

// forTests makes Postgres cheap: nothing here outlives the machine.
var forTests = PostgresConfig{NoSync: true, Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"}}

func startTestPostgres(t *testing.T, dir string) *Postgres {
	t.Helper()
	cfg := forTests
	cfg.Dir = dir
	p, err := StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, p.Process) }) // a killed Postgres leaves zombies where nobody reaps orphans
	return p
}

func startTestRedis(t *testing.T, dir string) *Redis {
	t.Helper()
	r, err := StartRedis(t.Context(), RedisConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Kill)
	return r
}

func stop(t *testing.T, p *Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

// query runs one statement on p and returns its only value as text, if it has one.
func query(t *testing.T, p *Postgres, sql string) (value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return value
}

func TestPostgresFindsItsDataAndPortAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "postgres")
	first := startTestPostgres(t, dir)
	query(t, first, "CREATE TABLE kept AS SELECT 'data' AS v")
	if got := query(t, first, "SELECT lower('É')"); got != "é" {
		t.Errorf("lower of É = %q: this database does not know letters", got)
	}
	dsn := first.DSN()
	stop(t, first.Process)

	second := startTestPostgres(t, dir)
	if got := query(t, second, "SELECT v FROM kept"); got != "data" {
		t.Errorf("kept %q, want data", got)
	}
	if second.DSN() != dsn {
		t.Errorf("second start at %s, first at %s", second.DSN(), dsn)
	}
}

func TestPostgresRecovers(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Postgres){
		"killed by SIGKILL": func(p *Postgres) { _ = syscall.Kill(p.Pid(), syscall.SIGKILL); <-p.Done() },
		"still running":     func(*Postgres) {},
		"killed during a query": func(p *Postgres) {
			running := startQuery(t, p, "SELECT count(*) FROM generate_series(1, 10000000)") // it looks up only when done
			_ = syscall.Kill(p.Pid(), syscall.SIGKILL)
			<-p.Done()
			if running.IsClosed() {
				t.Error("the query had ended before the kill")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "postgres")
			first := startTestPostgres(t, dir)
			query(t, first, "CREATE TABLE kept AS SELECT 'data' AS v")
			end(first)
			second := startTestPostgres(t, dir)
			if got := query(t, second, "SELECT v FROM kept"); got != "data" {
				t.Errorf("kept %q, want data", got)
			}
		})
	}
}

// startQuery returns while the query runs.
func startQuery(t *testing.T, p *Postgres, sql string) *pgconn.PgConn {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), p.DSN())
	if err != nil {
		t.Fatal(err)
	}
	conn.Exec(t.Context(), sql) // its result is never read
	const running = "SELECT (count(*) > 0)::text FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
	for end := time.Now().Add(time.Minute); query(t, p, running) != "true"; {
		if time.Now().After(end) {
			t.Fatal("the query does not run")
		}
	}
	return conn
}

func TestPostgresStartsBesideAReusedPid(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "postgres")
	first := startTestPostgres(t, dir)
	first.Kill()
	// Now the dead server's number belongs to somebody else: to us.
	e := &engine{dir: dir}
	lines := strings.SplitN(readFile(t, filepath.Join(e.data(), "postmaster.pid")), "\n", 2)
	pid := os.Getppid() // alive, and not what Postgres takes for a parent of its own
	writeFile(t, filepath.Join(e.data(), "postmaster.pid"), fmt.Sprintf("%d\n%s", pid, lines[1]))
	writeFile(t, e.path("pid"), fmt.Sprintln(pid, "1"))
	startTestPostgres(t, dir)
}

func TestLeftOverEngineIsStoppedAndItsDataKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "redis")
	first := startTestRedis(t, dir)
	client := redis.NewClient(&redis.Options{Addr: first.Addr()})
	defer client.Close()
	if err := client.Set(t.Context(), "kept", "data", 0).Err(); err != nil {
		t.Fatal(err)
	}
	second := startTestRedis(t, dir) // the first still runs
	select {
	case <-first.Done():
	case <-time.After(time.Minute): // who looks after the first may come late to its end
		t.Fatal("two servers on one folder")
	}
	if second.Addr() != first.Addr() {
		t.Errorf("second start at %s, first at %s", second.Addr(), first.Addr())
	}
	if got, err := client.Get(t.Context(), "kept").Result(); err != nil || got != "data" {
		t.Errorf("kept %q, %v, want data", got, err)
	}
	for name, want := range map[string]string{"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": ""} {
		if got, err := client.ConfigGet(t.Context(), name).Result(); err != nil || got[name] != want {
			t.Errorf("%s is %q, %v, want %q", name, got[name], err, want)
		}
	}
}

func TestRedisRecoversFromKillNine(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "redis")
	first := startTestRedis(t, dir)
	client := redis.NewClient(&redis.Options{Addr: first.Addr()})
	defer client.Close()
	if err := client.Set(t.Context(), "kept", "data", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(first.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	startTestRedis(t, dir)
	if got, err := client.Get(t.Context(), "kept").Result(); err != nil || got != "data" {
		t.Errorf("kept %q, %v, want data", got, err)
	}
}

func TestTakenPortIsLeftToItsOwner(t *testing.T) {
	t.Parallel()
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	dir := filepath.Join(t.TempDir(), "redis")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "port"), fmt.Sprintln(stranger.Addr().(*net.TCPAddr).Port))
	r := startTestRedis(t, dir)
	if r.Addr() == stranger.Addr().String() {
		t.Errorf("Redis says it is at %s, where a stranger listens", r.Addr())
	}
}

func TestEngineThatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	_, err := StartRedis(t.Context(), RedisConfig{Dir: t.TempDir() + "/redis", Settings: map[string]string{"maxmemory-policy": "nonsense"}})
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("error %v, want the line of the log that says why", err)
	}
}

func TestTopicsAreThoseOfTheMessages(t *testing.T) {
	t.Parallel()
	if Topics()[0] != command.Topic || Partitions != command.Partitions {
		t.Errorf("topics %q with %d partitions, commands go to %s with %d", Topics(), Partitions, command.Topic, command.Partitions)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
