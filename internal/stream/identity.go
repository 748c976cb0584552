package stream

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadataVersion is the first version of Kafka's metadata request that names topics by id (Kafka 2.8 and later). kafka-go speaks an
// older one, so this one question is put by hand.
const metadataVersion = 10

// ID returns the topic's id, 32 hexadecimal digits: a topic that was deleted and made anew is another log, and the offsets of the
// old one say nothing about it.
func (l *Log) ID(ctx context.Context) (string, error) {
	var failures []error
	for _, broker := range l.brokers {
		id, err := topicID(ctx, broker, l.topic)
		if err == nil {
			return id, nil
		}
		failures = append(failures, err)
	}
	return "", fmt.Errorf("id of topic %s: %w", l.topic, errors.Join(failures...))
}

func topicID(ctx context.Context, broker, topic string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", broker)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	answer, err := askMetadata(conn, topic)
	if err != nil {
		return "", err
	}
	for _, t := range answer.Topics {
		if t.Topic == nil || *t.Topic != topic {
			continue
		}
		if t.ErrorCode != 0 {
			return "", fmt.Errorf("broker answers code %d", t.ErrorCode)
		}
		return hex.EncodeToString(t.TopicID[:]), nil
	}
	return "", errors.New("the broker does not know the topic")
}

func askMetadata(conn net.Conn, topic string) (*kmsg.MetadataResponse, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.Version = metadataVersion
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = &topic
	request.Topics = append(request.Topics, wanted)
	if _, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("usher")).AppendRequest(nil, request, 1)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	const head, most = 5, 16 << 20 // correlation id and an empty tag section
	n := binary.BigEndian.Uint32(size[:])
	if n < head || n > most {
		return nil, fmt.Errorf("answer of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	answer := kmsg.NewPtrMetadataResponse()
	answer.Version = metadataVersion
	return answer, answer.ReadFrom(body[head:])
}
