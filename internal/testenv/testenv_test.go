package testenv_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"

	"usher/deploy/local"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

var migrations atomic.Int32

func migrate(ctx context.Context, dsn string) error {
	migrations.Add(1)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "CREATE TABLE things (id bigint)")
	return err
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			conn, err := pgx.Connect(t.Context(), testenv.Postgres(t, migrate))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(t.Context(), "INSERT INTO things VALUES ($1)", i); err != nil {
				t.Error(err)
			}
			var n int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM things").Scan(&n); err != nil || n != 1 {
				t.Errorf("%d things, %v, want the one of this database", n, err)
			}
		})
	}
	all.Wait()
	if n := migrations.Load(); n != 1 {
		t.Errorf("migrated %d times, want once", n)
	}
}

func TestRedisKeysEndWithTheTest(t *testing.T) {
	t.Parallel()
	var addr, key string
	t.Run("inner", func(t *testing.T) {
		var prefix string
		addr, prefix = testenv.Redis(t)
		key = fmt.Sprintf("{%s}:line", prefix)
		client := redis.NewClient(&redis.Options{Addr: addr})
		defer client.Close()
		if err := client.Set(t.Context(), key, 1, 0).Err(); err != nil {
			t.Fatal(err)
		}
	})
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	if n, err := client.Exists(t.Context(), key).Result(); err != nil || n != 0 {
		t.Errorf("%s exists: %d, %v", key, n, err)
	}
}

func TestOwnRedisSurvivesItsKill(t *testing.T) {
	t.Parallel()
	own := testenv.FreshRedis(t)
	client := redis.NewClient(&redis.Options{Addr: own.Addr, MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	if err := client.Set(t.Context(), "kept", "data", 0).Err(); err != nil {
		t.Fatal(err)
	}
	own.Kill()
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Fatal("a killed server answers")
	}
	own.Start()
	if got, err := client.Get(t.Context(), "kept").Result(); err != nil || got != "data" {
		t.Errorf("kept %q, %v, want data", got, err)
	}
}

// The stand-in carries what we need of kafka-go: acks from all, and reads that start at an offset.
func TestTopicIsWrittenAndReadAtAnOffset(t *testing.T) {
	t.Parallel()
	addr, topic := testenv.Kafka(t), testenv.Topic(t, 3)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	writer := &kafka.Writer{Addr: kafka.TCP(addr), Transport: transport, Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return 1 })}
	defer writer.Close()
	for i := range 5 {
		if err := writer.WriteMessages(t.Context(), kafka.Message{Key: []byte("k"), Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{addr}, Topic: topic, Partition: 1, MaxWait: 100 * time.Millisecond})
	defer reader.Close()
	if err := reader.SetOffset(3); err != nil {
		t.Fatal(err)
	}
	for want := 3; want < 5; want++ {
		got, err := reader.ReadMessage(t.Context())
		if err != nil || got.Offset != int64(want) || string(got.Value) != fmt.Sprint(want) {
			t.Fatalf("read %q at offset %d, %v, want %d", got.Value, got.Offset, err, want)
		}
	}
}

// One test after another has a broker of its own, with empty topics of Usher, and nobody has it meanwhile.
func TestFreshKafkaIsEmpty(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			t.Run("a test", func(t *testing.T) {
				addr, topic := testenv.FreshKafka(t), local.Topics()[0]
				transport := &kafka.Transport{} // the one of all would remember the topics of the test before
				defer transport.CloseIdleConnections()
				client := &kafka.Client{Addr: kafka.TCP(addr), Transport: transport}
				ends := func() int64 {
					got, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(7)}}})
					if err != nil {
						t.Fatal(err)
					}
					return got.Topics[topic][0].LastOffset
				}
				if n := ends(); n != 0 {
					t.Errorf("a fresh topic has %d messages", n)
				}
				writer := &kafka.Writer{Addr: kafka.TCP(addr), Transport: transport, Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
					Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return 7 })}
				defer writer.Close()
				if err := writer.WriteMessages(t.Context(), kafka.Message{Value: []byte("v")}); err != nil {
					t.Fatal(err)
				}
				if n := ends(); n != 1 {
					t.Errorf("%d messages after one write: somebody else writes as well", n)
				}
			})
		})
	}
	all.Wait()
}

func TestElasticsearchAnswersOnRealEngines(t *testing.T) {
	t.Parallel()
	answer, err := http.Get(testenv.Elasticsearch(t))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var about struct {
		Version struct {
			Number string `json:"number"`
		} `json:"version"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&about); err != nil || !strings.HasPrefix(about.Version.Number, "7.") {
		t.Errorf("version %q, %v, want 7", about.Version.Number, err)
	}
}

// Where real engines are required, a test that needs them does not pass by being skipped.
func TestRequiredEnginesThatAreNotThereFail(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{"": "--- SKIP", "skip": "--- SKIP", "required": "--- FAIL", testenv.RealEngines: "--- FAIL"} {
		cmd := exec.Command(os.Args[0], "-test.v", "-test.run", "^TestElasticsearchAnswersOnRealEngines$")
		cmd.Env = append(os.Environ(), testenv.ElasticsearchVariable+"=", testenv.EnginesVariable+"="+mode)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), want) || (err != nil) != (want == "--- FAIL") {
			t.Errorf("%s=%q: %v, want %s:\n%s", testenv.EnginesVariable, mode, err, want, out)
		}
		if !strings.Contains(string(out), "make engines") {
			t.Errorf("%s=%q does not say how to get them:\n%s", testenv.EnginesVariable, mode, out)
		}
	}
}

func BenchmarkPostgres(b *testing.B) {
	testenv.Postgres(b, migrate)
	for b.Loop() {
		testenv.Postgres(b, migrate)
	}
}
