package stream

import (
	"context"
	"errors"
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

const (
	readTries   = 20                     // in a row of a reader to whom the broker does not answer, before it tells: twice metaTime and more
	readPause   = 50 * time.Millisecond  // before the second; doubled each time
	longPause   = 250 * time.Millisecond // up to this
	readCalm    = 10 * time.Second       // after it a fault is the first again
	followPause = 250 * time.Millisecond // before a follower begins anew
	readGather  = 10 * time.Millisecond  // the broker is left alone so long after an answer with messages: a lone one comes at once, a crowd's in fewer, longer answers
	hintGather  = 100 * time.Millisecond // and by a follower
)

// Read hands the messages of a partition to each, from the given offset on (kafka.FirstOffset, kafka.LastOffset: from what is the first or the next one now), until ctx ends,
// each fails, or the log does not have what was asked for (kafka.OffsetOutOfRange) or does not answer. It reads ahead; the broker answers at once when there is something
// and after half a second otherwise, and is left alone for 10 ms after each answer that has some. All readers of a Log share their requests. Offsets rise; a reader that must miss nothing compares them with what it expects.
func (l *Log) Read(ctx context.Context, partition int, from int64, each func(Record) error) error {
	return l.read(ctx, partition, from, readGather, each)
}

func (l *Log) read(ctx context.Context, partition int, from int64, gather time.Duration, each func(Record) error) error {
	if from < 0 {
		first, end, err := l.Bounds(ctx, partition)
		if err != nil {
			return err
		}
		if from == kafka.FirstOffset {
			end = first
		}
		from = end
	}
	tries, failed := 0, time.Time{}
	for {
		next, own, err := l.readHere(ctx, partition, from, gather, each)
		if own || ctx.Err() != nil || errors.Is(err, kafka.OffsetOutOfRange) {
			return err
		}
		if next > from || time.Since(failed) > readCalm {
			tries = 0
		}
		if tries++; tries == readTries {
			return fmt.Errorf("read %s/%d at %d: %w", l.topic, partition, next, err)
		}
		from, failed = next, time.Now()
		l.leaders.forget(l.topic)
		select {
		case <-ctx.Done():
		case <-time.After(min(readPause<<(tries-1), longPause)):
		}
	}
}

// readHere reads from the broker that leads the partition until something fails; own says that each did, or it was told to end.
func (l *Log) readHere(ctx context.Context, partition int, next int64, gather time.Duration, each func(Record) error) (_ int64, own bool, _ error) {
	broker, err := l.leader(ctx, partition)
	if err != nil {
		return next, false, err
	}
	c := &cursor{partition: partition, gather: gather, next: next, ready: make(chan struct{}, 1)}
	l.join(c, broker)
	defer l.leave(c)
	for {
		records, err := l.take(ctx, c)
		if err != nil {
			return next, false, fmt.Errorf("read %s/%d at %d: %w", l.topic, partition, next, err)
		}
		for _, r := range records {
			if ctx.Err() != nil {
				return next, true, ctx.Err()
			}
			next = r.Offset + 1
			if err := each(r); err != nil {
				return next, true, err
			}
		}
	}
}

func (l *Log) leader(ctx context.Context, partition int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return l.leaders.of(ctx, l.topic, partition)
}

// Follow hands all messages that come from now on to each, from every partition, and reconnects until ctx ends. What
// came while it was away is lost: a follower treats messages as hints. They come up to hintGather late. each is called by one goroutine a partition.
func (l *Log) Follow(ctx context.Context, partitions int, each func(Record)) error {
	var readers sync.WaitGroup
	for p := range partitions {
		readers.Go(func() {
			for ctx.Err() == nil {
				_ = l.read(ctx, p, kafka.LastOffset, hintGather, func(r Record) error { each(r); return nil })
				select {
				case <-ctx.Done():
				case <-time.After(followPause):
				}
			}
		})
	}
	readers.Wait()
	return nil
}
