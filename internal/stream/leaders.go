package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// leaders remembers for metaTime which broker leads each partition of a topic: who shares a request has one broker.
type leaders struct {
	client *kafka.Client
	mu     sync.Mutex // guards topics
	topics map[string]led
}

// led is who leads the partitions of a topic, as it was told at a time.
type led struct {
	by map[int]int
	at time.Time
}

func newLeaders(client *kafka.Client) *leaders {
	return &leaders{client: client, topics: map[string]led{}}
}

// of returns the broker that leads a partition. kafka.LeaderNotAvailable: nobody does at the moment.
func (l *leaders) of(ctx context.Context, topic string, partition int) (broker int, err error) {
	l.mu.Lock()
	known := l.topics[topic]
	l.mu.Unlock()
	if time.Since(known.at) > metaTime {
		if known, err = l.ask(ctx, topic); err != nil {
			return 0, fmt.Errorf("find the leader of %s/%d: %w", topic, partition, err)
		}
	}
	broker, ok := known.by[partition]
	if !ok {
		l.forget(topic)
		return 0, fmt.Errorf("find the leader of %s/%d: %w", topic, partition, kafka.LeaderNotAvailable)
	}
	return broker, nil
}

func (l *leaders) ask(ctx context.Context, topic string) (led, error) {
	answer, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return led{}, err
	}
	now := led{by: map[int]int{}, at: time.Now()}
	for _, t := range answer.Topics {
		if t.Error != nil {
			return led{}, t.Error
		}
		for _, p := range t.Partitions {
			if p.Leader.Host != "" {
				now.by[p.ID] = p.Leader.ID
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.topics[topic] = now
	return now, nil
}

// forget makes the next question a new one: what was known is wrong.
func (l *leaders) forget(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.topics, topic)
}
