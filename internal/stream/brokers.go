package stream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"usher/internal/address"
)

// Brokers says how to reach a Kafka: some of its addresses, and how each side proves who it is.
type Brokers struct {
	addrs []string
	tls   *tls.Config    // nil: in the clear
	sasl  sasl.Mechanism // nil: nobody is asked who he is
}

// At returns brokers at host:port that are spoken to in the clear and ask nobody who he is.
func At(addrs ...string) Brokers { return Brokers{addrs: addrs} }

// ParseBrokers reads "host:port,host:port" or a URL:
//
//	kafka://user:password@host:port,host:port?sasl=scram-sha-512
//
// kafkas instead of kafka: under TLS, verified with the authorities of ?ca=FILE or those of the system. sasl is scram-sha-512, which is the
// default where there is a user, scram-sha-256, or plain, which shows the password and so needs TLS.
func ParseBrokers(text string) (Brokers, error) {
	if !strings.Contains(text, "://") {
		text = "kafka://" + text
	}
	a, err := address.Parse(text, "ca", "sasl")
	if err == nil && (a.Scheme != "kafka" && a.Scheme != "kafkas" || a.Path != "") {
		err = errors.New("want host:port,… or kafka://user@host:port,… and kafkas for TLS")
	}
	if err != nil {
		return Brokers{}, fmt.Errorf("kafka address: %w", err)
	}
	b := At(a.Hosts...)
	if a.Scheme == "kafkas" {
		if b.tls, err = a.TLS(); err != nil {
			return Brokers{}, fmt.Errorf("kafka address: %w", err)
		}
	}
	if b.sasl, err = mechanism(a); err != nil {
		return Brokers{}, fmt.Errorf("kafka address: %w", err)
	}
	return b, nil
}

// mechanism returns how we prove who we are; nil when there is no user.
func mechanism(a address.Address) (sasl.Mechanism, error) {
	name := a.Options.Get("sasl")
	if a.User == "" || a.Password == "" {
		if a.User != a.Password || name != "" {
			return nil, errors.New("a user needs a password, a password a user, and sasl both")
		}
		return nil, nil
	}
	algorithm := scram.SHA512
	switch name {
	case "", "scram-sha-512":
	case "scram-sha-256":
		algorithm = scram.SHA256
	case "plain":
		if a.Scheme != "kafkas" {
			return nil, errors.New("sasl=plain shows the password to the network: use kafkas://, or sasl=scram-sha-512")
		}
		return plain.Mechanism{Username: a.User, Password: a.Password}, nil
	default:
		return nil, errors.New("sasl is none of scram-sha-512, scram-sha-256, plain")
	}
	m, err := scram.Mechanism(algorithm, a.User, a.Password)
	if err != nil { // whose text quotes the password
		return nil, errors.New("user or password has characters that SCRAM forbids")
	}
	return m, nil
}

// transport is for requests.
func (b Brokers) transport(dialTime time.Duration) *kafka.Transport {
	return &kafka.Transport{MetadataTTL: metaTime, DialTimeout: dialTime, TLS: b.tls, SASL: b.sasl}
}
