package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

const topicTime = 10 * time.Second // for the creation of a topic

// Shape is what a topic is like.
type Shape struct {
	Partitions int
	Replicas   int           // brokers that keep a copy
	Retention  time.Duration // how long a message is kept, in whole milliseconds; 0: as the brokers are set
}

// inSync is how many brokers must have a message before it is acknowledged: more than half, so that an acknowledged message survives the
// loss of any broker, and one broker may be away. Two copies cannot have both, and go on with one.
func (s Shape) inSync() int {
	if s.Replicas < 3 {
		return 1
	}
	return s.Replicas/2 + 1
}

// settings are the topic's own, beside what the brokers are set to.
func (s Shape) settings() map[string]int64 {
	settings := map[string]int64{"min.insync.replicas": int64(s.inSync())}
	if s.Retention > 0 {
		settings["retention.ms"] = s.Retention.Milliseconds()
	}
	return settings
}

// Ensure creates the topic if it is missing. A topic with another number of partitions is an error: the number decides who writes what, and
// cannot change. In what else a topic that is there differs is returned, with what to do about it.
func (l *Log) Ensure(ctx context.Context, want Shape) (differs []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, topicTime)
	defer cancel()
	made, err := l.create(ctx, want)
	if err != nil {
		return nil, err
	}
	partitions, err := l.partitions(ctx)
	for len(partitions) == 0 {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("topic %s does not appear: %w", l.topic, errors.Join(err, ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
		partitions, err = l.partitions(ctx)
	}
	if len(partitions) != want.Partitions {
		return nil, fmt.Errorf("topic %s has %d partitions, want %d: they cannot change; name another Kafka, or move the sale to a new topic", l.topic, len(partitions), want.Partitions)
	}
	if made {
		return nil, nil
	}
	return l.compare(ctx, partitions, want), nil
}

// create reports whether it has made the topic; it has not when the topic is there, or when we may not and somebody else has to.
func (l *Log) create(ctx context.Context, want Shape) (made bool, err error) {
	topic := kafka.TopicConfig{Topic: l.topic, NumPartitions: want.Partitions, ReplicationFactor: want.Replicas}
	for name, value := range want.settings() {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: strconv.FormatInt(value, 10)})
	}
	answer, err := l.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err == nil {
		err = answer.Errors[l.topic]
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, kafka.TopicAlreadyExists):
		return false, nil
	case errors.Is(err, kafka.TopicAuthorizationFailed) || errors.Is(err, kafka.ClusterAuthorizationFailed):
		if there, look := l.partitions(ctx); look == nil && len(there) > 0 {
			return false, nil
		}
		return false, fmt.Errorf("topic %s is missing and our user may not create it: let an administrator run `usher topics`: %w", l.topic, err)
	case errors.Is(err, kafka.InvalidReplicationFactor):
		return false, fmt.Errorf("create topic %s with %d copies: there are fewer brokers than --kafka-replicas says: %w", l.topic, want.Replicas, err)
	}
	return false, fmt.Errorf("create topic %s: %w", l.topic, errors.Join(err, l.brokers.why(ctx)))
}

// compare tells in what the topic differs from what is wanted.
func (l *Log) compare(ctx context.Context, partitions []kafka.Partition, want Shape) (differs []string) {
	for _, p := range partitions {
		if len(p.Replicas) != want.Replicas {
			differs = append(differs, fmt.Sprintf("topic %s: partition %d has %d copies and --kafka-replicas says %d: change it with kafka-reassign-partitions.sh, or the setting",
				l.topic, p.ID, len(p.Replicas), want.Replicas))
			break
		}
	}
	has, err := l.settings(ctx)
	if err != nil {
		return append(differs, fmt.Sprintf("topic %s: its settings cannot be read, so nobody knows how long it keeps what: let our user DescribeConfigs (%v)", l.topic, err))
	}
	for name, value := range want.settings() {
		if text := strconv.FormatInt(value, 10); has[name] != text {
			differs = append(differs, fmt.Sprintf("topic %s: %s is %s, want %s: kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s",
				l.topic, name, has[name], text, l.topic, name, text))
		}
	}
	return differs
}

// settings returns those of the topic that Shape speaks of.
func (l *Log) settings(ctx context.Context) (map[string]string, error) {
	answer, err := l.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: l.topic, ConfigNames: []string{"min.insync.replicas", "retention.ms"},
	}}})
	if err != nil {
		return nil, err
	}
	has := map[string]string{}
	for _, r := range answer.Resources {
		if r.Error != nil {
			return nil, r.Error
		}
		for _, entry := range r.ConfigEntries {
			has[entry.ConfigName] = entry.ConfigValue
		}
	}
	return has, nil
}

// partitions returns the topic's, or none when it does not exist.
func (l *Log) partitions(ctx context.Context) ([]kafka.Partition, error) {
	m, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.topic}})
	if err != nil {
		return nil, err
	}
	for _, t := range m.Topics {
		if t.Name != l.topic || errors.Is(t.Error, kafka.UnknownTopicOrPartition) || errors.Is(t.Error, kafka.LeaderNotAvailable) {
			continue
		}
		return t.Partitions, t.Error
	}
	return nil, nil
}
