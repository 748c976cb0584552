package local

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// kafkaHeap is Java's -Xmx for one broker of ours. The whole process takes about as much again for code, threads and buffers.
const kafkaHeap = "512m"

// ApacheKafkaConfig says where a private Apache Kafka lives.
type ApacheKafkaConfig struct {
	Dir      string            // its folder, made if missing
	Cache    string            // where its jars are kept: JarCache
	Quick    bool              // it starts with half the work, and works slower afterwards; for tests
	Settings map[string]string // properties beside or instead of ours
}

// ApacheKafka is a running private broker, which is its own controller (KRaft).
type ApacheKafka struct {
	*Process
	addr string
}

// StartApacheKafka starts the broker of cfg.Dir with the topics of Usher, after making it if the folder is new, and returns when it
// answers. The first start of all downloads it. ErrMissing: Java is not installed, or Maven and there is something to download.
func StartApacheKafka(ctx context.Context, cfg ApacheKafkaConfig) (*ApacheKafka, error) {
	k, err := startApacheKafka(ctx, cfg)
	if err == nil {
		if err = MakeTopics(ctx, k.addr, Topics(), Partitions); err != nil {
			k.Kill()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("private Apache Kafka in %s: %w", cfg.Dir, err)
	}
	return k, nil
}

func startApacheKafka(ctx context.Context, cfg ApacheKafkaConfig) (*ApacheKafka, error) {
	e, err := openEngine(ctx, "kafka", cfg.Dir, syscall.SIGTERM, "kafka", "nobody")
	if err != nil {
		return nil, err
	}
	program, err := e.openProgram(ctx, cfg.Cache, "kafka", "kafka.Kafka", cfg.Quick, "-Xmx"+kafkaHeap,
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
		"-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, javaPatience)
	defer cancel()
	if _, err := os.Stat(e.data()); errors.Is(err, os.ErrNotExist) {
		if err := e.formatKafka(ctx, program, cfg.Settings); err != nil {
			return nil, err
		}
	}
	k := &ApacheKafka{}
	err = enginePorts.onFree(e.path("port"), func(port int) error {
		k.addr = loopback(port)
		if err := e.write("server.properties", kafkaProperties(e.data(), port, enginePorts.random(), cfg.Settings)); err != nil {
			return err
		}
		k.Process, err = e.startJava(ctx, program, []string{e.path("server.properties")}, func(int) bool { return e.logHas("Kafka Server started") })
		return err
	})
	return k, err
}

// Addr is host:port.
func (k *ApacheKafka) Addr() string { return k.addr }

// formatKafka makes the log folder beside its place and moves it there when it is complete.
func (e *engine) formatKafka(ctx context.Context, p *program, settings map[string]string) error {
	fresh := e.path("data.new")
	if err := errors.Join(os.RemoveAll(fresh), e.mkdir("data.new"), e.write("format.properties", kafkaProperties(fresh, 1, 2, settings))); err != nil {
		return err
	}
	format := *p
	format.main = "kafka.tools.StorageTool"
	if err := e.run(ctx, "", p.java, format.args("format", "-t", clusterID(), "-c", e.path("format.properties"))...); err != nil {
		return err
	}
	return os.Rename(fresh, e.data())
}

// clusterID is a random id as Kafka writes them: 16 bytes in the alphabet of URLs, with no dash in front.
func clusterID() string {
	for {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		if id := base64.RawURLEncoding.EncodeToString(b[:]); id[0] != '-' {
			return id
		}
	}
}

// kafkaProperties: a property that stands twice counts by its last line, so the caller's come last. Kafka does not wait for the disk:
// a kill loses nothing, a power cut may.
func kafkaProperties(data string, port, controller int, settings map[string]string) string {
	var b strings.Builder
	for _, line := range []string{
		"process.roles=broker,controller", "node.id=1",
		"controller.quorum.voters=1@" + loopback(controller),
		"listeners=PLAINTEXT://" + loopback(port) + ",CONTROLLER://" + loopback(controller),
		"advertised.listeners=PLAINTEXT://" + loopback(port),
		"controller.listener.names=CONTROLLER", "inter.broker.listener.name=PLAINTEXT",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + filepath.ToSlash(strings.ReplaceAll(data, `\`, `\\`)),
		"offsets.topic.replication.factor=1", "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
		"offsets.topic.num.partitions=1", "transaction.state.log.num.partitions=1",
		"share.coordinator.state.topic.replication.factor=1", "share.coordinator.state.topic.min.isr=1",
		"group.initial.rebalance.delay.ms=0", "auto.create.topics.enable=false",
		"log.cleaner.dedupe.buffer.size=8388608", // bytes of heap; the default takes a quarter of ours
	} {
		b.WriteString(line + "\n")
	}
	for name, value := range settings {
		fmt.Fprintf(&b, "%s=%s\n", name, value)
	}
	return b.String()
}
