package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"usher/booking/command"
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

const (
	maxBatch  = 500             // messages a write
	maxQueue  = 4_000           // callers that wait for one partition; beyond it batch.ErrFull
	writeTime = 3 * time.Second // a write that takes longer is unknown
	metaTime  = 2 * time.Second // how long a moved partition leader goes unnoticed

	leaderPause = 10 * time.Millisecond // before the same broker is asked again; doubled each time
)

// Producer writes messages with the acknowledgement of all replicas. It is no kafka.Writer: that one waits BatchTimeout before each
// write that is not full, and repeats a write on its own, after its caller has gone. Each partition has a lane: one write under way,
// and everything that arrives meanwhile is the next one. So a lone message travels at once, and a crowd shares its trips.
type Producer struct {
	client    *kafka.Client
	transport *kafka.Transport
	lanes     [command.Partitions]*batch.Batcher[Message, struct{}]
}

// NewProducer returns a producer of the given brokers. Its Run must be running for Write to return.
func NewProducer(brokers Brokers) *Producer {
	p := &Producer{transport: brokers.transport(writeTime)}
	p.client = &kafka.Client{Addr: kafka.TCP(brokers.addrs...), Transport: p.transport, Timeout: writeTime}
	for i := range p.lanes {
		p.lanes[i] = batch.New(func(ctx context.Context, messages []Message) ([]struct{}, error) {
			return make([]struct{}, len(messages)), p.write(ctx, i, messages)
		}, maxBatch, 1, maxQueue)
	}
	return p
}

// Run writes until ctx ends, then closes the connections.
func (p *Producer) Run(ctx context.Context) error {
	var lanes sync.WaitGroup
	for _, lane := range p.lanes {
		lanes.Go(func() { _ = lane.Run(ctx) })
	}
	lanes.Wait()
	p.transport.CloseIdleConnections()
	return nil
}

// Write appends one message and returns when the log has acknowledged it. ErrUnknown, batch.ErrFull, ctx's error.
func (p *Producer) Write(ctx context.Context, m Message) error {
	_, err := p.lanes[Partition(m.Key, len(p.lanes))].Do(ctx, m)
	return err
}

// WriteAll appends messages, those of one key in order, and returns when the log has acknowledged all of them. After an error
// some may be in the log, but none without those before it in its partition. It does not share a write with others.
func (p *Producer) WriteAll(ctx context.Context, messages []Message) error {
	parts := map[int][]Message{}
	for _, m := range messages {
		n := Partition(m.Key, len(p.lanes))
		parts[n] = append(parts[n], m)
	}
	var writes sync.WaitGroup
	var mu sync.Mutex // guards failures
	var failures []error
	for n, part := range parts {
		writes.Go(func() {
			for len(part) > 0 {
				size := min(len(part), maxBatch)
				if err := p.write(ctx, n, part[:size]); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failures = append(failures, err)
					return
				}
				part = part[size:]
			}
		})
	}
	writes.Wait()
	return errors.Join(failures...)
}

// write sends messages of one partition: one request a topic.
func (p *Producer) write(ctx context.Context, partition int, messages []Message) error {
	topics := map[string][]Message{}
	for _, m := range messages {
		topics[m.Topic] = append(topics[m.Topic], m)
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	for topic, part := range topics {
		if err := p.produce(ctx, topic, partition, part); err != nil {
			return fmt.Errorf("write %d messages to %s/%d: %w: %w", len(part), topic, partition, ErrUnknown, err)
		}
	}
	return nil
}

// produce asks again, while there is time, as long as the answer is that another broker leads the partition: so it is for a moment when a
// leader goes and when a topic is new. A leader that goes may have written the messages before it said so; then they are in the log twice,
// which readers expect.
func (p *Producer) produce(ctx context.Context, topic string, partition int, messages []Message) error {
	for pause := leaderPause; ; pause *= 2 {
		answer, err := p.client.Produce(ctx, &kafka.ProduceRequest{
			Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(recordsOf(messages)...),
		})
		if err == nil {
			err = answer.Error
		}
		if !errors.Is(err, kafka.NotLeaderForPartition) && !errors.Is(err, kafka.LeaderNotAvailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func recordsOf(messages []Message) []kafka.Record {
	records := make([]kafka.Record, len(messages))
	for i, m := range messages {
		records[i] = kafka.Record{Key: kafka.NewBytes([]byte(m.Key)), Value: kafka.NewBytes(m.Value)}
	}
	return records
}
