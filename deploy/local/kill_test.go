package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
)

// parentVariable makes this test program a parent of all three engines, for tests that kill -9 the parent.
const parentVariable = "USHER_LOCAL_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if err := beParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// beParent opens the folder, starts the engines in it, prints their pids and waits to be killed.
func beParent(dir string) error {
	folder, err := OpenFolder(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	ctx := context.Background()
	cfg := forTests
	cfg.Dir = folder.Engine("postgres")
	p, err := StartPostgres(ctx, cfg)
	if err != nil {
		return err
	}
	r, err := StartRedis(ctx, RedisConfig{Dir: folder.Engine("redis")})
	if err != nil {
		return err
	}
	k, err := StartKafka(ctx, KafkaConfig{Dir: folder.Engine("kafka")})
	if err != nil {
		return err
	}
	fmt.Println(p.Pid(), r.Pid(), p.DSN(), r.Addr(), k.Addr())
	time.Sleep(5 * time.Minute)
	return errors.New("nobody killed the parent")
}

// parent is a running beParent.
type parent struct {
	cmd                 *exec.Cmd
	postgres, redis     int // pids
	dsn, redisAt, kafka string
}

func startParent(t *testing.T, dir string) parent {
	t.Helper()
	p := parent{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), parentVariable+"="+dir)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &p.postgres, &p.redis, &p.dsn, &p.redisAt, &p.kafka); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p parent) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func TestAfterKillNineOfTheParentTheNextStartRecovers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	before := startParent(t, dir)

	if _, err := OpenFolder(dir); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(before.cmd.Process.Pid)) {
		t.Errorf("a second one on the folder gets %v, want ErrLocked with the pid of the first", err)
	}
	client := redis.NewClient(&redis.Options{Addr: before.redisAt})
	defer client.Close()
	if err := client.Set(t.Context(), "kept", "data", 0).Err(); err != nil {
		t.Fatal(err)
	}
	writer := &kafka.Writer{Addr: kafka.TCP(before.kafka), Topic: Topics()[0], RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return 7 })}
	defer writer.Close()
	for range 3 {
		if err := writer.WriteMessages(t.Context(), kafka.Message{Value: []byte("data")}); err != nil {
			t.Fatal(err)
		}
	}
	before.kill()
	if runtime.GOOS == "linux" {
		waitGone(t, before.postgres)
		waitGone(t, before.redis)
	}

	after := startParent(t, dir)
	if after.dsn != before.dsn || after.redisAt != before.redisAt || after.kafka != before.kafka {
		t.Errorf("addresses changed from %v to %v", before, after)
	}
	if got, err := client.Get(t.Context(), "kept").Result(); err != nil || got != "data" {
		t.Errorf("Redis kept %q, %v, want data", got, err)
	}
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{after.kafka}, Topic: Topics()[0], Partition: 7, MaxWait: 100 * time.Millisecond})
	defer reader.Close()
	for offset := range int64(3) {
		got, err := reader.ReadMessage(t.Context())
		if err != nil || got.Offset != offset || string(got.Value) != "data" {
			t.Fatalf("Kafka kept %q at %d, %v, want data at %d", got.Value, got.Offset, err, offset)
		}
	}
}

// waitGone waits for the end of a process that is not our child: the kernel ends it with its parent.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); startTime(pid) != ""; time.Sleep(pollEvery) {
		if time.Now().After(end) {
			t.Fatalf("process %d outlives its parent", pid)
		}
	}
}

func TestLeftOverWithAReusedPidIsLeftAlone(t *testing.T) {
	t.Parallel()
	bystander := exec.Command("sleep", "60")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- bystander.Wait() }()
	t.Cleanup(func() { _ = bystander.Process.Kill() })

	file := filepath.Join(t.TempDir(), "pid")
	writeFile(t, file, fmt.Sprintln(bystander.Process.Pid, "1"))
	if err := StopLeftOver(t.Context(), file, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if startTime(bystander.Process.Pid) == "" {
		t.Fatal("killed a bystander that has the number of a dead engine")
	}
	// The control: with its true start time it is ours to end.
	if err := writePid(file, bystander.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := StopLeftOver(t.Context(), file, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func TestStopLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "postgres")
	p := startTestPostgres(t, dir)
	backends, err := exec.Command("pgrep", "-P", fmt.Sprint(p.Pid())).Output()
	stop(t, p.Process)
	if err != nil {
		t.Skipf("no pgrep here: %v", err)
	}
	for _, pid := range append(strings.Fields(string(backends)), fmt.Sprint(p.Pid())) {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			t.Errorf("process %s still runs", pid)
		}
	}
	for _, file := range []string{"pid", "data/postmaster.pid"} {
		if _, err := os.Stat(filepath.Join(dir, file)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", file, err)
		}
	}
}

func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	heard, out := io.Pipe()
	p, err := Start(Command{Name: "stubborn", Path: "/bin/sh", Args: []string{"-c", "trap '' TERM; echo ready; while :; do sleep 1; done"},
		Out: out, PidFile: filepath.Join(t.TempDir(), "pid"), StopSignal: syscall.SIGTERM})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if _, err := bufio.NewReader(heard).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop of a process that does not listen: %v, want the deadline's error", err)
	}
	<-p.Done()
}
