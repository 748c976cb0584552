package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

const (
	fetchWait  = 500 * time.Millisecond // the broker answers an empty request after it
	partBytes  = 2 << 20                // of one partition in an answer: more than the longest batch that a broker takes, 1 MiB
	fetchBytes = 16 << 20               // of an answer
	aheadCount = 1000                   // messages read ahead of a partition, from which on it is not asked for more
	aheadBytes = 4 << 20                // and bytes
)

// cursor is one reader of a partition, with what was fetched for it and not taken yet. The lock of its Log guards all but the first four.
type cursor struct {
	partition int
	gather    time.Duration // how long the broker is left alone after an answer with messages, so that the next one has more of them
	courier   *courier
	ready     chan struct{} // holds one when there is something to take

	next  int64 // to be fetched
	box   []Record
	bytes int   // in box
	asked bool  // the request under way is for it, too
	err   error // why nothing more comes
}

func (c *cursor) full() bool { return len(c.box) >= aheadCount || c.bytes >= aheadBytes }

// courier fetches for all cursors on partitions that one broker leads, in one request at a time: a message of any of them ends the broker's wait, and what comes
// meanwhile comes with the next answer. So a crowd of readers costs the broker and us one request where each would make its own.
type courier struct {
	log  *Log
	wake chan struct{} // holds one when a cursor wants something again
	stop context.CancelFunc
	done chan struct{} // closed when it has ended

	// The log's lock guards all below.
	cursors []*cursor
	abandon context.CancelFunc // ends the request under way
}

// join begins to fetch for a cursor from the broker that leads its partition.
func (l *Log) join(c *cursor, broker int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.couriers[broker]
	if at == nil {
		ctx, stop := context.WithCancel(context.Background())
		at = &courier{log: l, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{}), abandon: func() {}}
		l.couriers[broker] = at
		go at.run(ctx)
	}
	c.courier = at
	at.cursors = append(at.cursors, c)
	at.again()
}

// leave ends that. The last cursor takes its courier with it.
func (l *Log) leave(c *cursor) {
	l.mu.Lock()
	at := c.courier
	at.cursors = slices.DeleteFunc(at.cursors, func(other *cursor) bool { return other == c })
	last := len(at.cursors) == 0
	if last {
		for broker, other := range l.couriers {
			if other == at {
				delete(l.couriers, broker)
			}
		}
	}
	l.mu.Unlock()
	if last {
		at.stop()
		<-at.done
	}
}

// take waits for messages. What came before an error comes first.
func (l *Log) take(ctx context.Context, c *cursor) ([]Record, error) {
	for {
		l.mu.Lock()
		records, err := c.box, c.err
		c.box, c.bytes = nil, 0
		if len(records) > 0 && !c.asked && err == nil {
			c.courier.again()
		}
		l.mu.Unlock()
		if len(records) > 0 {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-c.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// again lets a request begin that asks for every cursor. It needs the log's lock.
func (k *courier) again() {
	k.abandon()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *courier) run(ctx context.Context) {
	defer close(k.done)
	for ctx.Err() == nil {
		asking, request, asked := k.request(ctx)
		if len(asked) == 0 {
			select {
			case <-k.wake:
			case <-ctx.Done():
			}
			continue
		}
		answer, err := k.fetch(asking, request)
		if err != nil && errors.Is(asking.Err(), context.Canceled) { // somebody else wants something, or nobody wants anything
			continue
		}
		if pause := k.deliver(asked, answer, err); pause > 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}

// request asks for all cursors that have room, in an order that turns: a broker fills its answer from the front.
func (k *courier) request(ctx context.Context) (asking context.Context, request *fetch.Request, asked []*cursor) {
	k.log.mu.Lock()
	defer k.log.mu.Unlock()
	select {
	case <-k.wake: // what it tells is seen here
	default:
	}
	k.abandon() // the request before, which is over
	asking, k.abandon = context.WithTimeout(ctx, fetchWait+answerTime)
	topic := fetch.RequestTopic{Topic: k.log.topic}
	if len(k.cursors) > 0 {
		k.cursors = append(k.cursors[1:], k.cursors[0])
	}
	seen := map[int]bool{}
	for _, c := range k.cursors {
		c.asked = !c.full() && c.err == nil && !seen[c.partition] // of two of a partition each has its turn
		if !c.asked {
			continue
		}
		seen[c.partition] = true
		asked = append(asked, c)
		topic.Partitions = append(topic.Partitions, fetch.RequestPartition{
			Partition: int32(c.partition), CurrentLeaderEpoch: -1, FetchOffset: c.next, LogStartOffset: -1, PartitionMaxBytes: partBytes,
		})
	}
	return asking, &fetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(fetchWait.Milliseconds()), MinBytes: 1, MaxBytes: fetchBytes, SessionEpoch: -1, Topics: []fetch.RequestTopic{topic},
	}, asked
}

func (k *courier) fetch(ctx context.Context, request *fetch.Request) (*fetch.Response, error) {
	answer, err := k.log.client.Transport.RoundTrip(ctx, k.log.client.Addr, request)
	if err != nil {
		return nil, err
	}
	got, ok := answer.(*fetch.Response)
	if !ok {
		return nil, fmt.Errorf("a fetch was answered with %T", answer)
	}
	if got.ErrorCode != 0 {
		return nil, kafka.Error(got.ErrorCode)
	}
	return got, nil
}

// deliver hands out what has come, or why nothing has. It returns how long to leave the broker alone.
func (k *courier) deliver(asked []*cursor, answer *fetch.Response, err error) (pause time.Duration) {
	parts := map[int]fetch.ResponsePartition{}
	if err == nil {
		for _, topic := range answer.Topics {
			for _, p := range topic.Partitions {
				parts[int(p.Partition)] = p
			}
		}
	}
	k.log.mu.Lock()
	defer k.log.mu.Unlock()
	for _, c := range asked {
		c.asked = false
		before := len(c.box)
		p, answered := parts[c.partition]
		switch {
		case err != nil:
			c.err = err
		case !answered:
			c.err = io.ErrUnexpectedEOF
		case p.ErrorCode != 0:
			c.err = kafka.Error(p.ErrorCode)
		default:
			c.err = c.put(p.RecordSet.Records)
		}
		if came := len(c.box) > before; came || c.err != nil {
			if came && c.gather > 0 && (pause == 0 || c.gather < pause) {
				pause = c.gather
			}
			select {
			case c.ready <- struct{}{}:
			default:
			}
		}
	}
	return pause
}

// put keeps records. An answer begins with the batch that has what was asked for, and so may have some that were not.
func (c *cursor) put(records protocol.RecordReader) error {
	if records == nil {
		return nil
	}
	for {
		r, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := valueOf(r)
		if err != nil {
			return err
		}
		if r.Offset >= c.next {
			c.box, c.bytes, c.next = append(c.box, Record{Partition: c.partition, Offset: r.Offset, Value: value}), c.bytes+len(value), r.Offset+1
		}
	}
}

// valueOf copies a record's value, and gives back what it was read into.
func valueOf(r *protocol.Record) (value []byte, err error) {
	if r.Key != nil {
		_ = r.Key.Close()
	}
	if r.Value == nil {
		return nil, nil
	}
	defer func() { _ = r.Value.Close() }()
	return protocol.ReadAll(r.Value)
}
