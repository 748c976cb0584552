package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
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

// lendPatience bounds how long a test waits for the broker that others use before it.
const lendPatience = 10 * time.Minute

// borrowKafka waits until no other test of any process has the broker of Kafka(t), and makes its topics anew.
func borrowKafka(t testing.TB) string {
	t.Helper()
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
	must(t, "empty Kafka", withKafka(addr, deleteTopics))
	must(t, "make topics", local.MakeTopics(ctx, addr))
	return addr
}

// deleteTopics returns when the broker has forgotten the topics of Usher, so that nobody takes the old ones for the new.
func deleteTopics(ctx context.Context, client *kafka.Client) error {
	deleted, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: local.Topics()})
	if err != nil {
		return err
	}
	for topic, err := range deleted.Errors {
		if err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
			return fmt.Errorf("delete topic %s: %w", topic, err)
		}
	}
	for {
		meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: local.Topics()})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(meta.Topics, func(t kafka.Topic) bool { return !errors.Is(t.Error, kafka.UnknownTopicOrPartition) }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Topic makes a topic at Kafka(t), deleted when the test ends, and returns its name.
func Topic(t testing.TB, partitions int) string {
	t.Helper()
	name := "t" + randomName()
	addr := Kafka(t)
	must(t, "make a topic", withKafka(addr, func(ctx context.Context, client *kafka.Client) error {
		made, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
			Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}}})
		if err != nil {
			return err
		}
		return made.Errors[name]
	}))
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
