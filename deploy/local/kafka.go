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
		err = MakeTopics(ctx, k.addr, Topics(), Partitions)
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

// topicPatience bounds how long topics may take from their creation until every partition answers.
const topicPatience = 30 * time.Second

// topicPoll is how often they are asked meanwhile.
const topicPoll = 25 * time.Millisecond

// MakeTopics makes those topics that are missing, with so many partitions, and returns when every partition of all of them answers. A
// topic that was there before with another number is an error.
func MakeTopics(ctx context.Context, addr string, topics []string, partitions int) error {
	ctx, cancel := context.WithTimeout(ctx, topicPatience)
	defer cancel()
	client, hangUp := kafkaClient(addr)
	defer hangUp()
	request := &kafka.CreateTopicsRequest{}
	for _, topic := range topics {
		request.Topics = append(request.Topics, kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1})
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
	tick := time.NewTicker(topicPoll)
	defer tick.Stop()
	for {
		answer, err := partitionsAnswer(ctx, addr, topics, partitions)
		if err != nil || answer {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the partitions of topics: %w", ctx.Err())
		}
	}
}

// partitionsAnswer counts the partitions and says whether all have a leader that answers: a broker names them before they do.
func partitionsAnswer(ctx context.Context, addr string, topics []string, partitions int) (all bool, err error) {
	client, hangUp := kafkaClient(addr)
	defer hangUp()
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return false, fmt.Errorf("count partitions: %w", err)
	}
	ask := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for _, topic := range meta.Topics {
		if isSettling(topic.Error) {
			return false, nil
		}
		if topic.Error != nil {
			return false, fmt.Errorf("count partitions of %s: %w", topic.Name, topic.Error)
		}
		if len(topic.Partitions) != partitions {
			return false, fmt.Errorf("topic %s has %d partitions, want %d", topic.Name, len(topic.Partitions), partitions)
		}
		for _, p := range topic.Partitions {
			ask.Topics[topic.Name] = append(ask.Topics[topic.Name], kafka.LastOffsetOf(p.ID))
		}
	}
	answer, err := client.ListOffsets(ctx, ask)
	if isSettling(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask partitions for their end: %w", err)
	}
	for _, offsets := range answer.Topics {
		for _, p := range offsets {
			if isSettling(p.Error) {
				return false, nil
			}
			if p.Error != nil {
				return false, fmt.Errorf("ask partition %d for its end: %w", p.Partition, p.Error)
			}
		}
	}
	return true, nil
}

// kafkaClient returns a client with a picture of the cluster of its own: kafka-go remembers what topics there are for seconds.
func kafkaClient(addr string) (client *kafka.Client, hangUp func()) {
	transport := &kafka.Transport{}
	return &kafka.Client{Addr: kafka.TCP(addr), Timeout: 10 * time.Second, Transport: transport}, transport.CloseIdleConnections
}

// isSettling says whether an error is what brokers answer while a new topic is not everywhere yet.
func isSettling(err error) bool {
	return errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, kafka.LeaderNotAvailable) || errors.Is(err, kafka.NotLeaderForPartition)
}
