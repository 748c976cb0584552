package testenv

import (
	"context"
	"testing"

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

// FreshKafka returns the address of a broker for this test alone, in memory, with the topics of Usher.
func FreshKafka(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	broker, err := local.StartKafka(ctx, local.KafkaConfig{})
	must(t, "start Kafka", err)
	t.Cleanup(broker.Stop)
	return broker.Addr()
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
