package main

import (
	"context"
	"fmt"
	"io"

	"usher/booking/command"
	"usher/booking/event"
	"usher/catalog/change"
	"usher/internal/config"
	"usher/internal/stream"
)

// topics are the logs of Usher.
var topics = []string{command.Topic, event.Topic, change.Topic}

// ensureTopics creates what is missing and tells in what the others differ from the settings.
func ensureTopics(ctx context.Context, c config.Config, brokers stream.Brokers) (differs []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	shape := stream.Shape{Partitions: command.Partitions, Replicas: c.KafkaReplicas, Retention: c.KafkaRetention}
	for _, topic := range topics {
		d, err := stream.Open(brokers, topic).Ensure(ctx, shape)
		if err != nil {
			return nil, fmt.Errorf("--kafka: %w", err)
		}
		differs = append(differs, d...)
	}
	return differs, nil
}

// runTopics creates the topics: a step of a deployment, before the roles, by a user who may.
func runTopics(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	c, err := config.Load("topics", args, getenv, out, nil)
	if err != nil {
		return err
	}
	if err := c.Need("kafka"); err != nil {
		return err
	}
	brokers, err := stream.ParseBrokers(c.Kafka)
	if err != nil {
		return err
	}
	differs, err := ensureTopics(ctx, c, brokers)
	if err != nil {
		return err
	}
	for _, d := range differs {
		fmt.Fprintln(out, d)
	}
	_, err = fmt.Fprintf(out, "%d topics of %d partitions are there, %d differences from the settings\n", len(topics), command.Partitions, len(differs))
	return err
}
