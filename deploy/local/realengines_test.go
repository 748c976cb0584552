package local

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// needEngines skips tests that start real engines of their own, unless the test run has real engines: they take their time, and need
// Java. testenv, which imports this package, says how the variable is meant.
func needEngines(t *testing.T) {
	t.Helper()
	if mode := os.Getenv("USHER_TEST_ENGINES"); mode == "" || mode == "skip" {
		t.Skip("it starts Apache Kafka or Elasticsearch: make engines")
	}
}

func startTestApacheKafka(t *testing.T, dir string) *ApacheKafka {
	t.Helper()
	k, err := StartApacheKafka(t.Context(), ApacheKafkaConfig{Dir: dir, Cache: JarCache(os.TempDir()), Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Kill)
	return k
}

func TestApacheKafkaKeepsWhatItHasOnRealEngines(t *testing.T) {
	t.Parallel()
	needEngines(t)
	dir := filepath.Join(t.TempDir(), "kafka")
	for start, end := range []func(*ApacheKafka){
		func(k *ApacheKafka) { stop(t, k.Process) },
		func(k *ApacheKafka) { _ = syscall.Kill(k.Pid(), syscall.SIGKILL); <-k.Done() },
		func(*ApacheKafka) {}, // left over
		func(k *ApacheKafka) { stop(t, k.Process) },
	} {
		k := startTestApacheKafka(t, dir)
		for offset := range int64(start) {
			r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{k.Addr()}, Topic: Topics()[0], Partition: 7, MaxWait: 100 * time.Millisecond})
			if err := r.SetOffset(offset); err != nil {
				t.Fatal(err)
			}
			if got, err := r.ReadMessage(t.Context()); err != nil || string(got.Value) != fmt.Sprint("message ", offset) || got.Offset != offset {
				t.Errorf("start %d finds %q at %d, %v, want message %d", start, got.Value, got.Offset, err, offset)
			}
			_ = r.Close()
		}
		w := &kafka.Writer{Addr: kafka.TCP(k.Addr()), Topic: Topics()[0], RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
			Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return 7 })}
		if err := w.WriteMessages(t.Context(), kafka.Message{Value: fmt.Append(nil, "message ", start)}); err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
		end(k)
	}
	if _, err := os.Stat(filepath.Join(dir, "pid")); err == nil {
		t.Error("a broker that was stopped left its pid")
	}
}

func startTestElasticsearch(t *testing.T, dir string) *Elasticsearch {
	t.Helper()
	e, err := StartElasticsearch(t.Context(), ElasticsearchConfig{Dir: dir, Cache: JarCache(os.TempDir()), Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Kill)
	return e
}

// call sends body, unless it is empty, and returns the answer.
func call(t *testing.T, method, url, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode > 299 {
		t.Fatalf("%s %s: %s, %v\n%s", method, url, answer.Status, err, text)
	}
	return string(text)
}

func TestElasticsearchKeepsWhatItHasOnRealEngines(t *testing.T) {
	t.Parallel()
	needEngines(t)
	dir := filepath.Join(t.TempDir(), "elasticsearch")
	first := startTestElasticsearch(t, dir)
	if got := call(t, "GET", first.URL(), ""); !strings.Contains(got, `"number" : "7.10.2"`) {
		t.Errorf("this is another Elasticsearch: %s", got)
	}
	call(t, "PUT", first.URL()+"/things", `{"mappings": {"properties": {"name": {"type": "text"}}}}`)
	call(t, "PUT", first.URL()+"/things/_doc/1", `{"name": "kept"}`)
	_ = syscall.Kill(first.Pid(), syscall.SIGKILL)
	<-first.Done()

	second := startTestElasticsearch(t, dir)
	if second.URL() != first.URL() {
		t.Errorf("second start at %s, first at %s", second.URL(), first.URL())
	}
	if got := call(t, "GET", second.URL()+"/things/_search?q=name:kept", ""); !strings.Contains(got, `"value":1`) {
		t.Errorf("after a kill a search finds %s", got)
	}
	third := startTestElasticsearch(t, dir) // the second still runs
	select {
	case <-second.Done():
	default:
		t.Error("two nodes on one folder")
	}
	if got := call(t, "GET", third.URL()+"/things/_doc/1", ""); !strings.Contains(got, "kept") {
		t.Errorf("after a left-over there is %s", got)
	}
	stop(t, third.Process)
}
