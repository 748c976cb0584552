package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"usher/deploy/local"
)

// Kafka returns the address of a broker.
func Kafka(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	addr, err := ours.Kafka(ctx)
	must(t, "start Kafka", err)
	return addr
}

// FreshKafka returns the address of a broker for this test alone, with empty topics of Usher: one in memory, or with real engines the
// one that all tests share, when its turn has come. A test must not ask twice.
func FreshKafka(t testing.TB) string {
	t.Helper()
	if os.Getenv(EnginesVariable) == RealEngines {
		return borrowKafka(t)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	broker, err := local.StartKafka(ctx, local.KafkaConfig{})
	must(t, "start Kafka", err)
	t.Cleanup(broker.Stop)
	return broker.Addr()
}

// lent are the names of the tests that have the broker, or wait for it.
var lent sync.Map

// lendPatience bounds how long a test waits for the broker that others use before it.
const lendPatience = 10 * time.Minute

// borrowKafka waits until no other test of any process has the broker of Kafka(t), and makes its topics anew.
func borrowKafka(t testing.TB) string {
	t.Helper()
	if _, twice := lent.LoadOrStore(t.Name(), true); twice {
		t.Fatal("testenv: a test that asks for a Kafka of its own twice would wait for itself")
	}
	t.Cleanup(func() { lent.Delete(t.Name()) })
	addr := Kafka(t)
	ctx, cancel := context.WithTimeout(context.Background(), lendPatience)
	defer cancel()
	server, err := ours.Postgres(ctx)
	must(t, "start Postgres", err)
	turn, err := pgx.Connect(ctx, server) // it has the broker for as long as it has the lock, and that ends with our process
	must(t, "connect to Postgres", err)
	t.Cleanup(func() { must(t, "give Kafka back", turn.Close(context.Background())) })
	_, err = turn.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", "Kafka at "+addr)
	must(t, "wait for Kafka", err)
	must(t, "empty Kafka", emptyKafka(ctx, addr))
	must(t, "make topics", local.MakeTopics(ctx, addr, local.Topics(), local.Partitions))
	return addr
}

// emptyKafka returns when the broker has forgotten all topics but its own and those of Topic, so that nobody takes old ones for new.
func emptyKafka(ctx context.Context, addr string) error {
	for {
		left := 0
		err := withKafka(addr, func(_ context.Context, client *kafka.Client) (err error) {
			left, err = deleteTopics(ctx, client)
			return err
		})
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// deleteTopics returns how many topics there were to delete.
func deleteTopics(ctx context.Context, client *kafka.Client) (int, error) {
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return 0, err
	}
	var old []string
	for _, topic := range meta.Topics {
		if !topic.Internal && !strings.HasPrefix(topic.Name, topicPrefix) {
			old = append(old, topic.Name)
		}
	}
	if len(old) == 0 {
		return 0, nil
	}
	deleted, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: old})
	if err != nil {
		return 0, err
	}
	for topic, err := range deleted.Errors {
		if err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) { // it is deleted, and the broker's list is old
			return 0, fmt.Errorf("delete topic %s: %w", topic, err)
		}
	}
	return len(old), nil
}

// topicPrefix begins the names of what Topic makes.
const topicPrefix = "test-"

// Topic makes a topic at Kafka(t), deleted when the test ends, and returns its name.
func Topic(t testing.TB, partitions int) string {
	t.Helper()
	name := topicPrefix + randomName()
	addr := Kafka(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	must(t, "make a topic", local.MakeTopics(ctx, addr, []string{name}, partitions))
	t.Cleanup(func() {
		must(t, "delete the topic", withKafka(addr, func(ctx context.Context, client *kafka.Client) error {
			_, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{name}})
			return err
		}))
	})
	return name
}

func withKafka(addr string, do func(context.Context, *kafka.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	return do(ctx, &kafka.Client{Addr: kafka.TCP(addr), Transport: transport})
}
