package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"

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
	maxQueue  = 10_000          // callers that wait for one broker; beyond it batch.ErrFull
	writeTime = 3 * time.Second // a write that takes longer is unknown
	metaTime  = 2 * time.Second // how long a moved partition leader goes unnoticed

	leaderPause = 10 * time.Millisecond // before the same broker is asked again; doubled each time
)

// Producer writes messages with the acknowledgement of all replicas. It is no kafka.Writer: that one waits BatchTimeout before each
// write that is not full, and repeats a write on its own, after its caller has gone. Each broker has a lane: one request under way, for all partitions that it leads,
// and everything that arrives meanwhile is the next one. So a lone message travels at once, and a crowd shares its trips.
type Producer struct {
	addr      net.Addr
	transport *kafka.Transport
	leaders   *leaders
	lanes     *batch.Lanes[int, Message, error] // by broker
}

// NewProducer returns a producer of the given brokers. Its Run must be running for Write to return.
func NewProducer(brokers Brokers) *Producer {
	p := &Producer{addr: kafka.TCP(brokers.addrs...), transport: brokers.transport(writeTime)}
	p.leaders = newLeaders(&kafka.Client{Addr: p.addr, Transport: p.transport, Timeout: writeTime})
	p.lanes = batch.NewLanes(func(ctx context.Context, _ int, messages []Message) ([]error, error) {
		return p.write(ctx, messages), nil
	}, maxBatch, maxQueue, 0)
	return p
}

// Run writes until ctx ends, then closes the connections.
func (p *Producer) Run(ctx context.Context) error {
	err := p.lanes.Run(ctx)
	p.transport.CloseIdleConnections()
	return err
}

// Write appends one message and returns when the log has acknowledged it. ErrUnknown, batch.ErrFull, ctx's error.
func (p *Producer) Write(ctx context.Context, m Message) error {
	return p.followed(ctx, m.Topic, func() error {
		broker, err := p.leader(ctx, m)
		if err != nil {
			return err
		}
		told, err := p.lanes.Do(ctx, broker, m)
		return cmp.Or(err, told)
	})
}

// WriteAll appends messages, those of one key in order, and returns when the log has acknowledged all of them. After an error
// some may be in the log, but none without those before it in its partition. It does not share a write with others.
func (p *Producer) WriteAll(ctx context.Context, messages []Message) error {
	for part := range slices.Chunk(messages, maxBatch) {
		err := p.followed(ctx, part[0].Topic, func() (err error) {
			part, err = p.writeOnce(ctx, part)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeOnce writes messages to all brokers that lead their partitions, and returns those that did not get there.
func (p *Producer) writeOnce(ctx context.Context, messages []Message) (left []Message, err error) {
	at := make([]int, len(messages))
	by := map[int][]Message{}
	for i, m := range messages {
		if at[i], err = p.leader(ctx, m); err != nil {
			return messages, err
		}
		by[at[i]] = append(by[at[i]], m)
	}
	told := map[int][]error{}
	var mu sync.Mutex // guards told
	var writes sync.WaitGroup
	for broker, part := range by {
		writes.Go(func() {
			errs := p.write(ctx, part)
			mu.Lock()
			defer mu.Unlock()
			told[broker] = errs
		})
	}
	writes.Wait()
	for i, m := range messages {
		failed := told[at[i]][0]
		told[at[i]] = told[at[i]][1:]
		if failed != nil {
			left = append(left, m)
		}
		if err == nil || moved(err) && failed != nil { // one that is no use to ask again goes first
			err = failed
		}
	}
	return left, err
}

// followed asks again, while there is time, as long as the answer is that another broker leads a partition: so it is for a moment when a
// leader goes and when a topic is new. A leader that goes may have written the messages before it said so; then they are in the log twice,
// which readers expect.
func (p *Producer) followed(ctx context.Context, topic string, write func() error) error {
	late := time.After(writeTime)
	for pause := leaderPause; ; pause *= 2 {
		err := write()
		if err == nil || !moved(err) {
			return err
		}
		p.leaders.forget(topic)
		select {
		case <-late:
			return err
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// moved reports whether an error says that another broker leads the partition, or none: it was not the one that was asked.
func moved(err error) bool {
	var unsent *produce.Error
	return errors.Is(err, kafka.NotLeaderForPartition) || errors.Is(err, kafka.LeaderNotAvailable) || errors.As(err, &unsent)
}

// leader returns the broker to which a message goes.
func (p *Producer) leader(ctx context.Context, m Message) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	broker, err := p.leaders.of(ctx, m.Topic, partitionOf(m))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return broker, nil
}

// place is where a message goes.
type place struct {
	topic     string
	partition int
}

func partitionOf(m Message) int { return Partition(m.Key, command.Partitions) }

// write sends messages of partitions that one broker leads, in one request, and returns for each how it went.
func (p *Producer) write(ctx context.Context, messages []Message) []error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	records := map[place][]kafka.Record{}
	for _, m := range messages {
		at := place{m.Topic, partitionOf(m)}
		records[at] = append(records[at], kafka.Record{Key: kafka.NewBytes([]byte(m.Key)), Value: kafka.NewBytes(m.Value)})
	}
	told, err := p.produce(ctx, records)
	errs := make([]error, len(messages))
	for i, m := range messages {
		at := place{m.Topic, partitionOf(m)}
		said, answered := told[at]
		if err != nil {
			said = err
		} else if !answered {
			said = io.ErrUnexpectedEOF
		}
		if said != nil {
			errs[i] = fmt.Errorf("write %d messages to %s/%d: %w: %w", len(records[at]), at.topic, at.partition, ErrUnknown, said)
		}
	}
	return errs
}

// produce makes one request, and returns what the broker says of each partition.
func (p *Producer) produce(ctx context.Context, records map[place][]kafka.Record) (map[place]error, error) {
	request := &produce.Request{Acks: int16(kafka.RequireAll), Timeout: int32(writeTime.Milliseconds())}
	topics := map[string]int{} // where they are in the request
	for at, part := range records {
		i, known := topics[at.topic]
		if !known {
			i = len(request.Topics)
			topics[at.topic] = i
			request.Topics = append(request.Topics, produce.RequestTopic{Topic: at.topic})
		}
		request.Topics[i].Partitions = append(request.Topics[i].Partitions, produce.RequestPartition{
			Partition: int32(at.partition), RecordSet: protocol.RecordSet{Records: kafka.NewRecordReader(part...)},
		})
	}
	answer, err := p.transport.RoundTrip(ctx, p.addr, request)
	if err != nil {
		return nil, err
	}
	got, ok := answer.(*produce.Response)
	if !ok {
		return nil, fmt.Errorf("a write was answered with %T", answer)
	}
	told := map[place]error{}
	for _, topic := range got.Topics {
		for _, part := range topic.Partitions {
			at := place{topic.Topic, int(part.Partition)}
			told[at] = nil
			if part.ErrorCode != 0 {
				told[at] = kafka.Error(part.ErrorCode)
			}
		}
	}
	return told, nil
}
