package stream

import (
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

const patience = time.Minute

// running returns a producer that runs until the test ends.
func running(t *testing.T, brokers Brokers) *Producer {
	t.Helper()
	p := NewProducer(brokers)
	ctx, stop := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = p.Run(ctx) })
	t.Cleanup(func() { stop(); run.Wait() })
	return p
}

// read returns n messages of a partition from the given offset on.
func read(t *testing.T, l *Log, partition int, from int64, n int) (out []Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := errors.New("enough")
	err := l.Read(ctx, partition, from, func(r Record) error {
		if out = append(out, r); len(out) == n {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		t.Fatalf("read %d of %d messages: %v", len(out), n, err)
	}
	return out
}

func TestEveryWriteIsInTheLogOnceAndInOrder(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	const keys, each = 40, 50
	counts := make([]int, command.Partitions)
	var writers sync.WaitGroup
	for k := range keys {
		key := fmt.Sprintf("key-%d", k)
		counts[Partition(key, command.Partitions)] += each
		writers.Go(func() {
			for i := range each {
				if err := p.Write(t.Context(), Message{Topic: topic, Key: key, Value: fmt.Appendf(nil, "%s/%d", key, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	next := map[string]int{}
	for partition, n := range counts {
		for i, r := range read(t, l, partition, 0, n) {
			var k, number int
			if _, err := fmt.Sscanf(string(r.Value), "key-%d/%d", &k, &number); err != nil || r.Offset != int64(i) {
				t.Fatalf("offset %d holds %q: %v", r.Offset, r.Value, err)
			}
			key := fmt.Sprintf("key-%d", k)
			if number != next[key] {
				t.Errorf("%s: got %d, want %d", key, number, next[key])
			}
			next[key]++
		}
	}
	ends, err := l.Ends(t.Context(), command.Partitions)
	if err != nil {
		t.Fatal(err)
	}
	for partition, n := range counts {
		if ends[partition] != int64(n) {
			t.Errorf("partition %d ends at %d, want %d", partition, ends[partition], n)
		}
	}
}

func TestWriteAllKeepsTheOrderOfAKey(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	var messages []Message
	for i := range 3 * maxBatch {
		messages = append(messages, Message{Topic: topic, Key: "one", Value: fmt.Append(nil, i)})
	}
	if err := p.WriteAll(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
	for i, r := range read(t, l, Partition("one", command.Partitions), 0, len(messages)) {
		if string(r.Value) != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, r.Value)
		}
	}
}

func TestAMissingBrokerMeansUnknownWithinTheBound(t *testing.T) {
	t.Parallel()
	p := running(t, At("127.0.0.1:1"))
	told := make(chan error, 1)
	go func() {
		told <- p.Write(context.Background(), Message{Topic: "nowhere", Key: "k", Value: []byte("v")})
	}()
	select {
	case err := <-told:
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("got %v, want ErrUnknown", err)
		}
	case <-time.After(writeTime + patience):
		t.Errorf("nothing is told after %s, and an answer is waited for no longer than %s", writeTime+patience, writeTime)
	}
}

// A writer goes on asking the broker that it knows until its picture of the cluster is new.
func TestAWriteFollowsAMovedLeader(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(command.Partitions, "moved"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	p, partition := running(t, At(cluster.ListenAddrs()...)), int32(Partition("k", command.Partitions))
	for i := range 3 {
		if err := p.Write(t.Context(), Message{Topic: "moved", Key: "k", Value: fmt.Append(nil, i)}); err != nil {
			t.Fatalf("write %d: %v", i, err)
		}
		if err := cluster.MoveTopicPartition("moved", partition, 1-cluster.LeaderFor("moved", partition)); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range read(t, Open(At(cluster.ListenAddrs()...), "moved"), int(partition), 0, 3) {
		if string(r.Value) != fmt.Sprint(i) {
			t.Errorf("message %d is %s", i, r.Value)
		}
	}
	// A leader that never comes is waited for no longer than for any answer.
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		answer := r.ResponseKind().(*kmsg.ProduceResponse)
		part := kmsg.NewProduceResponseTopicPartition()
		part.Partition, part.ErrorCode = partition, int16(kafka.NotLeaderForPartition)
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.Partitions = "moved", append(topic.Partitions, part)
		answer.Topics = append(answer.Topics, topic)
		return answer, nil, true
	})
	if err := p.Write(t.Context(), Message{Topic: "moved", Key: "k", Value: []byte("lost")}); !errors.Is(err, ErrUnknown) || !errors.Is(err, kafka.NotLeaderForPartition) {
		t.Errorf("nobody leads: %v, want ErrUnknown and why", err)
	}
}

func TestReadingGoesOnWhereItIsTold(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	partition := Partition("k", command.Partitions)
	for i := range 10 {
		if err := p.Write(t.Context(), Message{Topic: topic, Key: "k", Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, l, partition, 7, 3); string(got[0].Value) != "7" || got[0].Offset != 7 {
		t.Errorf("from 7 on came %+v", got)
	}
	first, end, err := l.Bounds(t.Context(), partition)
	if err != nil || first != 0 || end != 10 {
		t.Errorf("Bounds = %d, %d, %v; want 0, 10", first, end, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = l.Read(ctx, partition, 1000, func(Record) error { return nil })
	if !errors.Is(err, kafka.OffsetOutOfRange) {
		t.Errorf("reading past the end gave %v, want OffsetOutOfRange", err)
	}
}

func TestATopicMadeAnewIsAnotherLog(t *testing.T) {
	t.Parallel()
	addr := testenv.FreshKafka(t)
	l := Open(At(addr), "again")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ensure := func(want Shape) []string {
		t.Helper()
		differs, err := l.Ensure(t.Context(), want)
		must(err)
		return differs
	}
	ensure(Shape{Partitions: 3, Replicas: 1})
	if _, err := l.Ensure(t.Context(), Shape{Partitions: 4, Replicas: 1}); err == nil {
		t.Error("another number of partitions was accepted")
	}
	before, err := l.ID(t.Context())
	must(err)
	if same, err := l.ID(t.Context()); err != nil || same != before || len(before) != 32 {
		t.Errorf("the topic's id is %q, then %q, %v", before, same, err)
	}
	_, err = l.client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{"again"}})
	must(err)
	ensure(Shape{Partitions: 3, Replicas: 1})
	if after, err := l.ID(t.Context()); err != nil || after == before {
		t.Errorf("the new topic has the old one's id %s, %v", after, err)
	}
	if _, err := Open(At(addr), "nowhere").ID(t.Context()); err == nil {
		t.Error("a topic that does not exist has an id")
	}
}

func TestAFollowerSeesWhatComes(t *testing.T) {
	t.Parallel()
	brokers, topic := At(testenv.Kafka(t)), testenv.Topic(t, command.Partitions)
	p, l := running(t, brokers), Open(brokers, topic)
	ctx, stop := context.WithCancel(t.Context())
	seen := make(chan Record, 1000)
	var follower sync.WaitGroup
	follower.Go(func() {
		_ = l.Follow(ctx, command.Partitions, func(r Record) {
			select {
			case seen <- r:
			case <-ctx.Done():
			}
		})
	})
	defer follower.Wait()
	defer stop()
	deadline := time.After(patience)
	for i := 0; ; i++ { // a follower sees nothing that came before it was there, so write until it sees
		if err := p.Write(ctx, Message{Topic: topic, Key: fmt.Sprint(i), Value: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-seen:
			if Partition(string(r.Value), command.Partitions) != r.Partition {
				t.Errorf("message %s came from partition %d", r.Value, r.Partition)
			}
			return
		case <-deadline:
			t.Fatal("nothing seen")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func BenchmarkWriteAlone(b *testing.B) {
	brokers, topic := At(testenv.Kafka(b)), testenv.Topic(b, command.Partitions)
	p := NewProducer(brokers)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = p.Run(ctx) }()
	for b.Loop() {
		if err := p.Write(ctx, Message{Topic: topic, Key: "k", Value: make([]byte, 300)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteCrowd(b *testing.B) {
	brokers, topic := At(testenv.Kafka(b)), testenv.Topic(b, command.Partitions)
	p := NewProducer(brokers)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = p.Run(ctx) }()
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := p.Write(ctx, Message{Topic: topic, Key: "k", Value: make([]byte, 300)}); err != nil {
				b.Error(err)
			}
		}
	})
}
