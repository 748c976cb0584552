package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

const answerTime = 5 * time.Second // of one question to the brokers

// Log is a topic as seen by readers.
type Log struct {
	brokers Brokers
	topic   string
	client  *kafka.Client
	leaders *leaders

	mu       sync.Mutex       // guards couriers, and what theirs and their cursors' comments say
	couriers map[int]*courier // by broker; one is there while somebody reads from it
}

// Open returns the log of a topic. It connects when first asked something.
func Open(brokers Brokers, topic string) *Log {
	client := &kafka.Client{Addr: kafka.TCP(brokers.addrs...), Timeout: answerTime, Transport: brokers.transport(answerTime)}
	return &Log{brokers: brokers, topic: topic, client: client, leaders: newLeaders(client), couriers: map[int]*courier{}}
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
