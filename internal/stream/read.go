package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Record is one message of a partition.
type Record struct {
	Partition int
	Offset    int64
	Value     []byte
}

// Read hands the messages of a partition to each, from the given offset on, until ctx ends, each fails, or the log does not
// have what was asked for (kafka.OffsetOutOfRange). It reads ahead; the broker answers at once when there is something and after half a
// second otherwise. Offsets rise; a reader that must miss nothing compares them with what it expects.
func (l *Log) Read(ctx context.Context, partition int, from int64, each func(Record) error) error {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: l.brokers.addrs, Dialer: l.brokers.dialer(), Topic: l.topic, Partition: partition,
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
	var readers sync.WaitGroup
	for p := range partitions {
		readers.Go(func() {
			for ctx.Err() == nil {
				_ = l.Read(ctx, p, kafka.LastOffset, func(r Record) error { each(r); return nil })
				select {
				case <-ctx.Done():
				case <-time.After(250 * time.Millisecond):
				}
			}
		})
	}
	readers.Wait()
	return nil
}
