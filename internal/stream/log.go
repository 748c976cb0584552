package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	answerTime = 5 * time.Second  // of one question to the brokers
	topicTime  = 10 * time.Second // for the creation of a topic
)

// Log is a topic as seen by readers.
type Log struct {
	brokers []string
	topic   string
	client  *kafka.Client
}

// Open returns the log of a topic. It connects when first asked something.
func Open(brokers []string, topic string) *Log {
	return &Log{brokers: brokers, topic: topic, client: &kafka.Client{
		Addr: kafka.TCP(brokers...), Timeout: answerTime, Transport: &kafka.Transport{MetadataTTL: metaTime, DialTimeout: answerTime},
	}}
}

// Ensure creates the topic with the given number of partitions if it is missing. A topic with another number is an error:
// the number decides who writes what, and cannot change.
func (l *Log) Ensure(ctx context.Context, partitions, replicas int) error {
	ctx, cancel := context.WithTimeout(ctx, topicTime)
	defer cancel()
	made, err := l.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: l.topic, NumPartitions: partitions, ReplicationFactor: replicas}},
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", l.topic, err)
	}
	if err := made.Errors[l.topic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", l.topic, err)
	}
	for {
		n, err := l.partitions(ctx)
		if err == nil && n == partitions {
			return nil
		}
		if err == nil && n > 0 {
			return fmt.Errorf("topic %s has %d partitions, want %d", l.topic, n, partitions)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("topic %s does not appear: %w", l.topic, errors.Join(err, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *Log) partitions(ctx context.Context) (int, error) {
	m, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.topic}})
	if err != nil {
		return 0, err
	}
	for _, t := range m.Topics {
		if t.Name == l.topic && t.Error == nil {
			return len(t.Partitions), nil
		}
	}
	return 0, nil
}

// Bounds returns the first offset of a partition and the one past its last.
func (l *Log) Bounds(ctx context.Context, partition int) (first, end int64, err error) {
	answer, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{l.topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}},
	})
	if err != nil {
		return 0, 0, fmt.Errorf("bounds of %s/%d: %w", l.topic, partition, err)
	}
	for _, p := range answer.Topics[l.topic] {
		if p.Partition == partition {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, fmt.Errorf("bounds of %s/%d: no answer", l.topic, partition)
}

// Ends returns the offset past the last message of each of n partitions.
func (l *Log) Ends(ctx context.Context, n int) ([]int64, error) {
	asked := make([]kafka.OffsetRequest, n)
	for p := range asked {
		asked[p] = kafka.LastOffsetOf(p)
	}
	answer, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{l.topic: asked}})
	if err != nil {
		return nil, fmt.Errorf("ends of %s: %w", l.topic, err)
	}
	ends, answered := make([]int64, n), 0
	for _, p := range answer.Topics[l.topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("end of %s/%d: %w", l.topic, p.Partition, p.Error)
		}
		if p.Partition < n {
			ends[p.Partition] = p.LastOffset
			answered++
		}
	}
	if answered != n {
		return nil, fmt.Errorf("ends of %s: %d partitions of %d answered", l.topic, answered, n)
	}
	return ends, nil
}
