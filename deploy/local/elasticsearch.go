package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// elasticsearchHeap is Java's -Xmx for one node of ours.
const elasticsearchHeap = "1g"

// elasticsearchPorts: the cluster runner takes no others.
var elasticsearchPorts = portRange{9201, 9300}

// ElasticsearchConfig says where a private Elasticsearch lives.
type ElasticsearchConfig struct {
	Dir   string // its folder, made if missing
	Cache string // where its jars are kept: JarCache
	Quick bool   // as in ApacheKafkaConfig
}

// Elasticsearch is a running private node, a cluster of its own.
type Elasticsearch struct {
	*Process
	url string
}

// StartElasticsearch starts the node of cfg.Dir and returns when it answers and all its indices can be searched. The first start of
// all downloads it. ErrMissing: Java is not installed, or Maven and there is something to download.
func StartElasticsearch(ctx context.Context, cfg ElasticsearchConfig) (*Elasticsearch, error) {
	s, err := startElasticsearch(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("private Elasticsearch in %s: %w", cfg.Dir, err)
	}
	return s, nil
}

func startElasticsearch(ctx context.Context, cfg ElasticsearchConfig) (*Elasticsearch, error) {
	e, err := openEngine(ctx, "elasticsearch", cfg.Dir, syscall.SIGTERM, "elasticsearch", "nobody")
	if err != nil {
		return nil, err
	}
	program, err := e.openProgram(ctx, cfg.Cache, "elasticsearch", "org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner",
		cfg.Quick, "-Xmx"+elasticsearchHeap, "--add-opens", "java.base/java.lang=ALL-UNNAMED", "--add-opens", "java.base/java.nio=ALL-UNNAMED",
		"-Dlog4j2.disable.jmx=true", "-Djava.awt.headless=true")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, javaPatience)
	defer cancel()
	for _, dir := range []string{"data", "config", "home", "logs"} {
		if err := e.mkdir(dir); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(e.write("config/elasticsearch.yml", elasticsearchYML), e.write("config/log4j2.properties", elasticsearchLog)); err != nil {
		return nil, err
	}
	s := &Elasticsearch{}
	err = elasticsearchPorts.onFree(e.path("port"), func(port int) error {
		s.url = "http://" + loopback(port)
		s.Process, err = e.startJava(ctx, program, []string{
			"-basePath", e.path("home"), "-dataPath", e.data(), "-confPath", e.path("config"), "-logsPath", e.path("logs"),
			"-clusterName", "usher", "-numOfNode", "1", "-baseHttpPort", strconv.Itoa(port - 1),
		}, func(pid int) bool { return elasticsearchReady(ctx, s.url, pid) })
		return err
	})
	return s, err
}

// URL is where the node answers.
func (s *Elasticsearch) URL() string { return s.url }

// elasticsearchYML: a node that looks for no other, and whose disk may be fuller than a data centre would like.
const elasticsearchYML = `network.host: 127.0.0.1
discovery.type: single-node
transport.port: 9300-9399
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: false
`

// elasticsearchLog sends what is worth a warning to our log.
const elasticsearchLog = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`

// elasticsearchReady asks whether the node has found its indices, and whether it is the process pid and not a stranger on the same port.
func elasticsearchReady(ctx context.Context, url string, pid int) bool {
	var nodes struct {
		Nodes map[string]struct {
			Process struct {
				ID int `json:"id"`
			} `json:"process"`
		} `json:"nodes"`
	}
	if askElasticsearch(ctx, url+"/_nodes/_local/process", &nodes) != nil {
		return false
	}
	for _, n := range nodes.Nodes {
		if n.Process.ID != pid {
			return false
		}
	}
	var health struct {
		TimedOut bool `json:"timed_out"`
	}
	return len(nodes.Nodes) == 1 && askElasticsearch(ctx, url+"/_cluster/health?wait_for_status=yellow&timeout=1s", &health) == nil && !health.TimedOut
}

// askElasticsearch decodes what url answers.
func askElasticsearch(ctx context.Context, url string, into any) error {
	const most = 1 << 20 // bytes of an answer
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", strings.TrimPrefix(url, "http://"), answer.Status)
	}
	return json.NewDecoder(io.LimitReader(answer.Body, most)).Decode(into)
}
