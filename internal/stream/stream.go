// Package stream is the rim to Kafka: it writes whole batches, reads a partition from a given offset, and says where a
// log begins and ends. What the messages mean is not its business. A message's key decides its partition, by a function
// that the caller gives.
package stream

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/segmentio/kafka-go"

	"usher/internal/batch"
)

// ErrUnknown says that a message may be in the log or not: there is no idempotent producer. Whoever writes gives each
// message an id and lets the reader drop repeats.
var ErrUnknown = errors.New("the log did not acknowledge: the message may be in it or not")

// Message is one record. Its Key decides the partition.
type Message struct {
	Topic string
	Key   string
	Value []byte
}

// Producer writes messages. Those that arrive together travel together.
type Producer struct {
	writer *kafka.Writer
	batch  *batch.Batcher[Message, error]
}

const (
	maxBatch  = 500              // messages a write
	writes    = 4                // writes under way at once
	maxQueue  = 20_000           // callers that wait; beyond it batch.ErrFull
	writeTime = 2 * time.Second  // a write that takes longer is unknown
	topicWait = 10 * time.Second // for the creation of topics
)

// NewProducer returns a producer of the given brokers. Its Run must be running for Write to return.
func NewProducer(brokers []string) *Producer {
	p := &Producer{writer: &kafka.Writer{
		Addr:         kafka.TCP(brokers...),
		Balancer:     byKey{},
		RequiredAcks: kafka.RequireAll, // the zero value means none, and returns nil with nothing stored
		MaxAttempts:  2,
		BatchSize:    maxBatch,
		BatchTimeout: time.Millisecond, // the default makes every write take a second
		ReadTimeout:  writeTime,
		WriteTimeout: writeTime,
	}}
	p.batch = batch.New(p.send, maxBatch, writes, maxQueue)
	return p
}

// Run writes until ctx ends, then closes the connections.
func (p *Producer) Run(ctx context.Context) error {
	return errors.Join(p.batch.Run(ctx), p.writer.Close())
}

// Write appends one message and returns when the log has acknowledged it. ErrUnknown, batch.ErrFull, ctx's error.
func (p *Producer) Write(ctx context.Context, m Message) error {
	failed, err := p.batch.Do(ctx, m)
	return errors.Join(failed, err)
}

// WriteAll appends messages in order and returns when the log has acknowledged all of them; it does not share a batch.
func (p *Producer) WriteAll(ctx context.Context, messages []Message) error {
	failures, err := p.send(ctx, messages)
	return errors.Join(append(failures, err)...)
}

func (p *Producer) send(ctx context.Context, messages []Message) ([]error, error) {
	records := make([]kafka.Message, len(messages))
	for i, m := range messages {
		records[i] = kafka.Message{Topic: m.Topic, Key: []byte(m.Key), Value: m.Value}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*writeTime)
	defer cancel()
	failures := make([]error, len(messages))
	err := p.writer.WriteMessages(ctx, records...)
	var each kafka.WriteErrors
	switch {
	case err == nil:
	case errors.As(err, &each) && len(each) == len(messages):
		for i, e := range each {
			if e != nil {
				failures[i] = fmt.Errorf("%w: %w", ErrUnknown, e)
			}
		}
	default:
		for i := range failures {
			failures[i] = fmt.Errorf("%w: %w", ErrUnknown, err)
		}
	}
	return failures, nil
}

// Partition returns the partition of a key among n: FNV-1a. It is part of the data and never changes.
func Partition(key string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % uint32(n))
}

// byKey sends a message to the partition of its key.
type byKey struct{}

// Balance implements kafka.Balancer. Partitions are 0 … n-1 in every topic of ours.
func (byKey) Balance(m kafka.Message, partitions ...int) int {
	return Partition(string(m.Key), len(partitions))
}

// Log is a topic as seen by readers.
type Log struct {
	brokers []string
	topic   string
	client  *kafka.Client
}

// Open returns the log of a topic.
func Open(brokers []string, topic string) *Log {
	return &Log{brokers: brokers, topic: topic, client: &kafka.Client{Addr: kafka.TCP(brokers...), Timeout: 5 * time.Second}}
}

// Ensure creates the topic with the given number of partitions if it is missing. A topic with another number is an error:
// the number decides who writes what, and cannot change.
func (l *Log) Ensure(ctx context.Context, partitions, replicas int) error {
	ctx, cancel := context.WithTimeout(ctx, topicWait)
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
		case <-time.After(100 * time.Millisecond):
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

// ClusterID names the cluster: the same topic of another cluster is another log.
func (l *Log) ClusterID(ctx context.Context) (string, error) {
	m, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.topic}})
	if err != nil {
		return "", fmt.Errorf("metadata of %s: %w", l.topic, err)
	}
	return m.ClusterID, nil
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

// Record is one message of a partition.
type Record struct {
	Partition int
	Offset    int64
	Value     []byte
}

// Read hands the messages of a partition to each, from the given offset on, until ctx ends, each fails, or the log does not
// have what was asked for. It reads ahead; the broker answers at once when there is something and after half a second otherwise.
func (l *Log) Read(ctx context.Context, partition int, from int64, each func(Record) error) error {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: l.brokers, Topic: l.topic, Partition: partition,
		MinBytes: 1, MaxBytes: 4 << 20, MaxWait: 500 * time.Millisecond, // a quick shutdown
		ReadBackoffMin: 5 * time.Millisecond, ReadBackoffMax: 250 * time.Millisecond,
		QueueCapacity: 1000, OffsetOutOfRangeError: true,
	})
	defer func() { _ = r.Close() }()
	if err := r.SetOffset(from); err != nil {
		return err
	}
	next := from
	for {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return fmt.Errorf("read %s/%d at %d: %w", l.topic, partition, next, err)
		}
		if next >= 0 && m.Offset < next {
			return fmt.Errorf("read %s/%d: got offset %d after %d", l.topic, partition, m.Offset, next-1)
		}
		next = m.Offset + 1
		if err := each(Record{Partition: partition, Offset: m.Offset, Value: m.Value}); err != nil {
			return err
		}
	}
}

// Follow hands all messages that come from now on to each, from every partition, and reconnects until ctx ends. What
// came while it was away is lost: a follower treats messages as hints. each is called by one goroutine a partition.
func (l *Log) Follow(ctx context.Context, partitions int, each func(Record)) error {
	done := make(chan struct{})
	for p := range partitions {
		go func() {
			defer func() { done <- struct{}{} }()
			for ctx.Err() == nil {
				_ = l.Read(ctx, p, kafka.LastOffset, func(r Record) error { each(r); return nil })
				select {
				case <-ctx.Done():
				case <-time.After(250 * time.Millisecond):
				}
			}
		}()
	}
	for range partitions {
		<-done
	}
	return nil
}
