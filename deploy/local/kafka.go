package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Topics returns the topics of Usher. Each has Partitions partitions.
func Topics() []string { return []string{"booking.commands", "booking.events", "catalog.events"} }

// Partitions is the number of partitions of every topic of Usher.
const Partitions = 12

// KafkaConfig says what the stand-in for Kafka serves.
type KafkaConfig struct {
	Dir string // its folder, made if missing; every write is synced. "": in memory, for tests
}

// Kafka is one broker that speaks Kafka's protocol, inside this process.
type Kafka struct {
	addr    string
	cluster *kfake.Cluster
}

// StartKafka serves the topics of Usher and makes those that are missing. A topic that is there with another number of partitions is an
// error: the number is part of the data.
func StartKafka(ctx context.Context, cfg KafkaConfig) (*Kafka, error) {
	k, err := startKafka(cfg)
	if err == nil {
		err = MakeTopics(ctx, k.addr)
	}
	if err != nil {
		if k != nil {
			k.cluster.Close()
		}
		return nil, fmt.Errorf("private Kafka (kfake): %w", err)
	}
	return k, nil
}

func startKafka(cfg KafkaConfig) (*Kafka, error) {
	if cfg.Dir == "" {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			return nil, err
		}
		return &Kafka{addr: cluster.ListenAddrs()[0], cluster: cluster}, nil
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	k := &Kafka{}
	err := enginePorts.onFree(filepath.Join(cfg.Dir, "port"), func(port int) (err error) {
		k.addr = loopback(port)
		k.cluster, err = kfake.NewCluster(kfake.Ports(port), kfake.DataDir(filepath.Join(cfg.Dir, "data")), kfake.SyncWrites())
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%w: %w", errBusy, err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Addr is host:port.
func (k *Kafka) Addr() string { return k.addr }

// Stop writes what is in memory to the folder and closes all connections.
func (k *Kafka) Stop() { k.cluster.Close() }

// topicPatience bounds how long topics may take from their creation until every partition has a leader.
const topicPatience = 15 * time.Second

// MakeTopics makes those topics of Usher that are missing and returns when every partition has a leader. It also counts the partitions of
// those that were there before.
func MakeTopics(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, topicPatience)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(addr), Timeout: 10 * time.Second, Transport: transport}
	request := &kafka.CreateTopicsRequest{}
	for _, topic := range Topics() {
		request.Topics = append(request.Topics, kafka.TopicConfig{Topic: topic, NumPartitions: Partitions, ReplicationFactor: 1})
	}
	made, err := client.CreateTopics(ctx, request)
	if err != nil {
		return fmt.Errorf("make topics: %w", err)
	}
	for topic, err := range made.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("make topic %s: %w", topic, err)
		}
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		led, err := countPartitions(ctx, client)
		if err != nil || led {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the leaders of topics: %w", ctx.Err())
		}
	}
}

// countPartitions says whether all partitions of all topics are led by now. A wrong number of them is an error.
func countPartitions(ctx context.Context, client *kafka.Client) (led bool, err error) {
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: Topics()})
	if err != nil {
		return false, fmt.Errorf("count partitions: %w", err)
	}
	led = true
	for _, topic := range meta.Topics {
		if errors.Is(topic.Error, kafka.UnknownTopicOrPartition) || errors.Is(topic.Error, kafka.LeaderNotAvailable) {
			led = false // the broker has not heard of it yet
			continue
		}
		if topic.Error != nil {
			return false, fmt.Errorf("count partitions of %s: %w", topic.Name, topic.Error)
		}
		if len(topic.Partitions) != Partitions {
			return false, fmt.Errorf("topic %s has %d partitions, want %d", topic.Name, len(topic.Partitions), Partitions)
		}
		for _, p := range topic.Partitions {
			led = led && p.Error == nil
		}
	}
	return led, nil
}
