package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"usher/booking/command"
	"usher/internal/testenv"
)

// ownCluster starts a cluster for this test alone.
func ownCluster(t *testing.T, brokers int, topic string) (*kfake.Cluster, Brokers) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.SeedTopics(command.Partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster, At(cluster.ListenAddrs()...)
}

// fill writes n messages to each partition, those of one in order, and returns a key of each.
func fill(t *testing.T, p *Producer, topic string, n int) (keys [command.Partitions]string) {
	t.Helper()
	for i, missing := 0, command.Partitions; missing > 0; i++ {
		key := fmt.Sprint("key", i)
		if at := Partition(key, command.Partitions); keys[at] == "" {
			keys[at] = key
			missing--
		}
	}
	var messages []Message
	for i := range n {
		for _, key := range keys {
			messages = append(messages, Message{Topic: topic, Key: key, Value: fmt.Append(nil, i)})
		}
	}
	if err := p.WriteAll(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	return keys
}

// reader reads a partition in the background, and complains of a message that is not the next one.
type reader struct {
	partition int
	next      int64      // to come: of its goroutine, and of the test when that has ended
	seen      int64      // to come, as far as the test was told
	came      chan int64 // offsets
	stop      func()
}

// startReader reads from the given offset on. gate, unless nil, is waited for before each message.
func startReader(t *testing.T, l *Log, partition int, from int64, gate <-chan struct{}) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &reader{partition: partition, next: from, seen: from, came: make(chan int64, 10_000)}
	var reading sync.WaitGroup
	reading.Go(func() {
		err := l.Read(ctx, partition, from, func(got Record) error {
			if gate != nil {
				<-gate
			}
			if got.Offset != r.next || got.Partition != partition || string(bytes.TrimRight(got.Value, "\x00")) != fmt.Sprint(got.Offset) {
				t.Errorf("partition %d: got offset %d of %d with %.20q, want offset %d", partition, got.Offset, got.Partition, got.Value, r.next)
			}
			r.next = got.Offset + 1
			r.came <- got.Offset
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("partition %d at %d: %v", partition, r.next, err)
		}
	})
	r.stop = sync.OnceFunc(func() { cancel(); reading.Wait() })
	t.Cleanup(r.stop)
	return r
}

// reaches waits until the message before an offset has come.
func (r *reader) reaches(t *testing.T, end int64) {
	t.Helper()
	late := time.After(patience)
	for r.seen < end {
		select {
		case at := <-r.came:
			r.seen = at + 1
		case <-late:
			t.Fatalf("partition %d did not come to %d within %s", r.partition, end, patience)
		}
	}
}

func TestReadersOfALogShareARequest(t *testing.T) {
	t.Parallel()
	cluster, brokers := ownCluster(t, 1, "shared")
	most := make(chan int, 10_000) // partitions in one request
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		n := 0
		for _, topic := range r.(*kmsg.FetchRequest).Topics {
			n += len(topic.Partitions)
		}
		select {
		case most <- n:
		default:
		}
		return nil, nil, false
	})
	p, l := running(t, brokers), Open(brokers, "shared")
	fill(t, p, "shared", 3)
	for partition := range command.Partitions {
		startReader(t, l, partition, 0, nil).reaches(t, 3)
	}
	for late := time.After(patience); ; {
		select {
		case n := <-most:
			if n == command.Partitions {
				return
			}
		case <-late:
			t.Fatal("no request asked for all partitions")
		}
	}
}

// A broker answers with whole batches. Who begins in the middle of one is not told what comes before.
func TestAReaderMayBeginInTheMiddleOfABatch(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	const messages = 20 // of each partition, in one request: a batch
	fill(t, p, topic, messages)
	for partition := range command.Partitions {
		startReader(t, l, partition, messages/2, nil).reaches(t, messages)
	}
}

// Readers come, go and come again in the midst of what is written; each gets every message once and in order.
func TestAReaderThatComesAgainMissesNothing(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	fill(t, p, topic, 1)
	readers := make([]*reader, command.Partitions)
	for partition := range readers {
		readers[partition] = startReader(t, l, partition, 0, nil)
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		keys := fill(t, p, "", 0)
		for i := 1; i < 100; i++ {
			var messages []Message
			for _, key := range keys {
				messages = append(messages, Message{Topic: topic, Key: key, Value: fmt.Append(nil, i)})
			}
			if err := p.WriteAll(t.Context(), messages); err != nil {
				t.Error(err)
			}
		}
	})
	for round := range 5 {
		for partition, r := range readers {
			r.reaches(t, int64(1+10*round))
			r.stop()
			readers[partition] = startReader(t, l, partition, r.next, nil)
		}
	}
	writing.Wait()
	for _, r := range readers {
		r.reaches(t, 100)
	}
}

func TestASlowReaderHoldsUpNobodyAndIsReadAheadWithinBounds(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	keys := fill(t, p, topic, 1)
	const long, size = 60, 200_000 // bytes: three times what may be read ahead
	for i := 1; i < long; i++ {
		value := make([]byte, size)
		copy(value, fmt.Append(nil, i))
		if err := p.Write(t.Context(), Message{Topic: topic, Key: keys[0], Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	gate := make(chan struct{})
	slow := startReader(t, l, 0, 0, gate)
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open) // before its reader is stopped
	quick := startReader(t, l, 1, 0, nil)
	for i := 1; i <= 20; i++ { // each has an answer of its own, which could hold more for the slow one
		if err := p.Write(t.Context(), Message{Topic: topic, Key: keys[1], Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
		quick.reaches(t, int64(i+1))
	}
	if ahead := aheadOf(l, 0); ahead == 0 || ahead > aheadBytes+partBytes {
		t.Errorf("%d bytes were read ahead of a reader that takes none, want 1 to %d", ahead, aheadBytes+partBytes)
	}
	open()
	slow.reaches(t, long)
}

// aheadOf is how many bytes of a partition wait for its readers.
func aheadOf(l *Log, partition int) (sum int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.couriers {
		for _, c := range k.cursors {
			if c.partition == partition {
				sum += c.bytes
			}
		}
	}
	return sum
}

func TestAReaderFollowsAMovedLeader(t *testing.T) {
	t.Parallel()
	cluster, brokers := ownCluster(t, 3, "wanders")
	p, l := running(t, brokers), Open(brokers, "wanders")
	fill(t, p, "wanders", 1)
	var readers []*reader
	for partition := range command.Partitions {
		readers = append(readers, startReader(t, l, partition, 0, nil))
	}
	keys := fill(t, p, "", 0)
	for i := 1; i <= 3; i++ {
		for partition := range int32(command.Partitions) {
			if partition%2 == 0 {
				if err := cluster.MoveTopicPartition("wanders", partition, (cluster.LeaderFor("wanders", partition)+1)%3); err != nil {
					t.Fatal(err)
				}
			}
		}
		var messages []Message
		for _, key := range keys {
			messages = append(messages, Message{Topic: "wanders", Key: key, Value: fmt.Append(nil, i)})
		}
		if err := p.WriteAll(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
		for _, r := range readers {
			r.reaches(t, int64(i+1))
		}
	}
}

// More than one answer takes is there, in batches of nearly the longest that a broker takes.
func TestLongMessagesComeWholeAndInOrder(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	const n, size = 20, 900_000
	for i := range n {
		value := fmt.Appendf(make([]byte, 0, size), "%d ", i)
		if err := p.Write(t.Context(), Message{Topic: topic, Key: "long", Value: value[:size]}); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range read(t, l, Partition("long", command.Partitions), 0, n) {
		var number int
		if _, err := fmt.Sscan(string(r.Value[:8]), &number); err != nil || number != i || len(r.Value) != size {
			t.Fatalf("message %d is %d with %d bytes: %v", i, number, len(r.Value), err)
		}
	}
}

// Of messages that share a request, one that the broker refuses fails alone.
func TestARefusedMessageFailsNoNeighbour(t *testing.T) {
	t.Parallel()
	_, brokers := ownCluster(t, 1, "refused")
	p, l := running(t, brokers), Open(brokers, "refused")
	keys := fill(t, p, "refused", 1)
	errs := p.write(t.Context(), []Message{
		{Topic: "refused", Key: keys[0], Value: []byte("1")},
		{Topic: "refused", Key: keys[1], Value: make([]byte, 2<<20)},
		{Topic: "refused", Key: keys[2], Value: []byte("1")},
	})
	if errs[0] != nil || errs[2] != nil || !errors.Is(errs[1], ErrUnknown) || !errors.Is(errs[1], kafka.MessageSizeTooLarge) {
		t.Errorf("the neighbours %v and %v, the refused %v", errs[0], errs[2], errs[1])
	}
	for partition, want := range []int64{2, 1, 2} {
		if _, end, err := l.Bounds(t.Context(), partition); err != nil || end != want {
			t.Errorf("partition %d ends at %d, want %d, %v", partition, end, want, err)
		}
	}
}
