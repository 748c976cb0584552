package stream

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking/command"
	"usher/internal/testenv"
)

// planted is a password that no text may quote.
const planted = "pl4nted"

func parse(t *testing.T, text string) Brokers {
	t.Helper()
	b, err := ParseBrokers(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "host", "a:1,", planted + "://h:1", "kafka://u:" + planted + "@h", "kafka://u:" + planted + "@h:1/topic", "kafka://" + planted + "@h:1", "kafka://:" + planted + "@h:1",
		"kafka://h:1?sasl=plain", "kafka://u:" + planted + "@h:1?sasl=plain", "kafka://u:" + planted + "@h:1?sasl=gssapi", "kafkas://u:" + planted + "@h:1?ca=/nowhere",
		"kafka://u:" + planted + "%07@h:1", "kafka://u:" + planted + "@h:1?acks=0",
	} {
		if _, err := ParseBrokers(text); err == nil {
			t.Errorf("%q was accepted", text)
		} else if strings.Contains(err.Error(), planted) || !strings.HasPrefix(err.Error(), "kafka address: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if b := parse(t, "a:1,b:2"); !slices.Equal(b.addrs, []string{"a:1", "b:2"}) || b.tls != nil || b.sasl != nil {
		t.Errorf("two plain brokers: %+v", b)
	}
}

// Whatever we ask a Kafka is asked under TLS and by our user: topics, their ids, writes and reads.
func TestUnderTLSAUserWithAPassword(t *testing.T) {
	t.Parallel()
	cert := testenv.NewCertificate(t)
	addr := testenv.SecureKafka(t, cert, "usher", planted)
	ids := map[string]bool{}
	for _, sasl := range []string{"", "&sasl=scram-sha-512", "&sasl=scram-sha-256", "&sasl=plain"} {
		brokers := parse(t, "kafkas://usher:"+planted+"@"+addr+"?ca="+cert.CA+sasl)
		p, l := running(t, brokers), Open(brokers, "secured")
		if _, err := l.Ensure(t.Context(), Shape{Partitions: command.Partitions, Replicas: 1}); err != nil {
			t.Fatalf("%s: %v", sasl, err)
		}
		id, err := l.ID(t.Context())
		if err != nil {
			t.Errorf("%s: %v", sasl, err)
		}
		ids[id] = true
		partition := Partition("k", command.Partitions)
		_, end, err := l.Bounds(t.Context(), partition)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(t.Context(), Message{Topic: "secured", Key: "k", Value: []byte("v" + sasl)}); err != nil {
			t.Fatalf("%s: %v", sasl, err)
		}
		if got := read(t, l, partition, end, 1); string(got[0].Value) != "v"+sasl {
			t.Errorf("%s: read %q", sasl, got[0].Value)
		}
	}
	if len(ids) != 1 {
		t.Errorf("one topic has the ids %v", ids)
	}

	f := func(what, url string) {
		t.Helper()
		brokers := parse(t, url)
		_, err1 := Open(brokers, "secured").Ensure(t.Context(), Shape{Partitions: command.Partitions, Replicas: 1})
		_, err2 := Open(brokers, "secured").ID(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		err3 := Open(brokers, "secured").Read(ctx, 0, 0, func(Record) error { return nil })
		for _, err := range []error{err1, err2, err3} {
			if err == nil || strings.Contains(err.Error(), planted) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	f("an authority of nobody's", "kafkas://usher:"+planted+"@"+addr+"?ca="+testenv.NewCertificate(t).CA)
	f("the system's authorities", "kafkas://usher:"+planted+"@"+addr)
	f("another name", "kafkas://usher:"+planted+"@"+strings.Replace(addr, "127.0.0.1", "localhost", 1)+"?ca="+cert.CA)
	f("another password", "kafkas://usher:wrong"+"@"+addr+"?ca="+cert.CA)
	f("another password, shown", "kafkas://usher:wrong"+"@"+addr+"?sasl=plain&ca="+cert.CA)
	f("nobody", "kafkas://"+addr+"?ca="+cert.CA)
	f("in the clear", "kafka://usher:"+planted+"@"+addr)
}

func TestATopicThatDiffersIsToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	l := Open(At(testenv.FreshKafka(t)), "kept")
	made := Shape{Partitions: 3, Replicas: 1, Retention: 48 * time.Hour}
	f := func(want Shape, differences ...string) {
		t.Helper()
		got, err := l.Ensure(t.Context(), want)
		if err != nil || len(got) != len(differences) {
			t.Errorf("%+v: %q, %v, want %d differences", want, got, err, len(differences))
			return
		}
		for _, d := range differences {
			if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, d) }) {
				t.Errorf("%+v: %q says nothing of %s", want, got, d)
			}
		}
	}
	f(made)
	f(made)
	f(Shape{Partitions: 3, Replicas: 1})
	f(Shape{Partitions: 3, Replicas: 1, Retention: 24 * time.Hour}, "retention.ms is 172800000, want 86400000: kafka-configs.sh --alter --entity-type topics --entity-name kept --add-config retention.ms=86400000")
	f(Shape{Partitions: 3, Replicas: 3, Retention: 48 * time.Hour}, "has 1 copies and --kafka-replicas says 3", "min.insync.replicas is 1, want 2")
}

func TestInSyncIsMoreThanHalf(t *testing.T) {
	t.Parallel()
	for replicas, want := range map[int]int{1: 1, 2: 1, 3: 2, 4: 3, 5: 3} {
		if got := (Shape{Replicas: replicas}).inSync(); got != want {
			t.Errorf("of %d copies %d, want %d", replicas, got, want)
		}
	}
}
