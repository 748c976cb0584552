package stream

import (
	"context"
	"crypto/tls"
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
	for _, broker := range l.brokers.addrs {
		id, err := l.brokers.topicID(ctx, broker, l.topic)
		if err == nil {
			return id, nil
		}
		failures = append(failures, err)
	}
	return "", fmt.Errorf("id of topic %s: %w", l.topic, errors.Join(failures...))
}

func (b Brokers) topicID(ctx context.Context, broker, topic string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := b.connect(ctx, broker)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
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

// connect returns a connection on which both sides know each other, as far as they want to.
func (b Brokers) connect(ctx context.Context, broker string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", broker)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if b.tls != nil {
		c := b.tls.Clone()
		if c.ServerName, _, err = net.SplitHostPort(broker); err != nil {
			_ = conn.Close()
			return nil, err
		}
		secured := tls.Client(conn, c)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secured
	}
	if err := b.introduce(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// why tells for each broker what stands between it and us; nil: nothing. kafka-go says of all the same, that no broker is available.
func (b Brokers) why(ctx context.Context) error {
	var failures []error
	for _, broker := range b.addrs {
		ctx, cancel := context.WithTimeout(ctx, answerTime)
		conn, err := b.connect(ctx, broker)
		cancel()
		if err == nil {
			err = conn.Close()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", broker, err))
		}
	}
	return errors.Join(failures...)
}

// introduce tells the broker who we are, in the steps of our mechanism: Kafka's SaslHandshake, then SaslAuthenticate for each step.
func (b Brokers) introduce(ctx context.Context, conn net.Conn) error {
	if b.sasl == nil {
		return nil
	}
	hello := kmsg.NewPtrSASLHandshakeRequest()
	hello.Version, hello.Mechanism = 1, b.sasl.Name()
	heard, err := ask(conn, hello)
	if err != nil {
		return err
	}
	if h := heard.(*kmsg.SASLHandshakeResponse); h.ErrorCode != 0 {
		return fmt.Errorf("the broker does not know sasl=%s, but %q", b.sasl.Name(), h.SupportedMechanisms)
	}
	steps, say, err := b.sasl.Start(ctx)
	for done := false; err == nil && !done; {
		step := kmsg.NewPtrSASLAuthenticateRequest()
		step.Version, step.SASLAuthBytes = 1, say
		heard, err := ask(conn, step)
		if err != nil {
			return fmt.Errorf("the broker ends the talk about user and password: %w", err)
		}
		said := heard.(*kmsg.SASLAuthenticateResponse)
		if said.ErrorCode != 0 {
			return fmt.Errorf("the broker refuses user and password (code %d)", said.ErrorCode)
		}
		if done, say, err = steps.Next(ctx, said.SASLAuthBytes); err != nil {
			return fmt.Errorf("sasl: %w", err)
		}
	}
	return err
}

func askMetadata(conn net.Conn, topic string) (*kmsg.MetadataResponse, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.Version = metadataVersion
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = &topic
	request.Topics = append(request.Topics, wanted)
	answer, err := ask(conn, request)
	if err != nil {
		return nil, err
	}
	return answer.(*kmsg.MetadataResponse), nil
}

// ask sends one request and reads its answer, which is of the kind that belongs to the request.
func ask(conn net.Conn, request kmsg.Request) (kmsg.Response, error) {
	if _, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("usher")).AppendRequest(nil, request, 1)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	head := uint32(4) // correlation id
	if request.IsFlexible() {
		head++ // and an empty tag section
	}
	const most = 16 << 20
	n := binary.BigEndian.Uint32(size[:])
	if n < head || n > most {
		return nil, fmt.Errorf("answer of %d bytes, which no broker gives: one of us speaks TLS and the other does not", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	answer := request.ResponseKind()
	return answer, answer.ReadFrom(body[head:])
}
