package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"usher/deploy/local"
)

// ours are the servers of this test process.
var ours Stores

// Stores are the servers of one test run, started when first asked for. The zero value is ready.
type Stores struct {
	Real bool // Environment starts Apache Kafka, and Elasticsearch as well

	mu            sync.Mutex // guards all below
	dir           string
	lock          *local.Folder
	run           string
	postgres      *local.Postgres
	redis         *local.Redis
	kafka         *local.Kafka
	apacheKafka   *local.ApacheKafka
	elasticsearch *local.Elasticsearch
}

// Postgres is the URL of a superuser's database.
func (s *Stores) Postgres(ctx context.Context) (string, error) {
	if dsn := os.Getenv(PostgresVariable); dsn != "" {
		return dsn, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil {
		dir, err := s.folder("postgres")
		if err != nil {
			return "", err
		}
		settings := map[string]string{"max_connections": "500", "max_wal_size": "512MB", "shared_buffers": "128MB"}
		noSync := os.Getenv(SyncVariable) == ""
		if !noSync { // speed is measured: as in deploy/compose.yaml
			settings["shared_buffers"] = "1GB"
		}
		if noSync { // nothing of a test outlives a power cut, so nothing waits for the disk
			settings["fsync"], settings["full_page_writes"] = "off", "off"
		}
		s.postgres, err = local.StartPostgres(ctx, local.PostgresConfig{Dir: dir, NoSync: noSync, Settings: settings})
		if err != nil {
			return "", err
		}
	}
	return s.postgres.DSN(), nil
}

// Redis is the address of a server.
func (s *Stores) Redis(ctx context.Context) (string, error) {
	if addr := os.Getenv(RedisVariable); addr != "" {
		return addr, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redis == nil {
		dir, err := s.folder("redis")
		if err != nil {
			return "", err
		}
		s.redis, err = local.StartRedis(ctx, local.RedisConfig{Dir: dir, Settings: map[string]string{"appendonly": "no"}})
		if err != nil {
			return "", err
		}
	}
	return s.redis.Addr(), nil
}

// Kafka is the address of a broker.
func (s *Stores) Kafka(ctx context.Context) (string, error) {
	if addr := os.Getenv(KafkaVariable); addr != "" {
		return addr, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Real {
		return s.startApacheKafka(ctx)
	}
	if s.kafka == nil {
		var err error
		if s.kafka, err = local.StartKafka(ctx, local.KafkaConfig{}); err != nil {
			return "", err
		}
	}
	return s.kafka.Addr(), nil
}

// startApacheKafka returns the broker's address. The caller holds mu.
func (s *Stores) startApacheKafka(ctx context.Context) (string, error) {
	if s.apacheKafka == nil {
		dir, err := s.folder("apache-kafka")
		if err != nil {
			return "", err
		}
		if s.apacheKafka, err = local.StartApacheKafka(ctx, local.ApacheKafkaConfig{Dir: dir, Cache: local.JarCache(os.TempDir()), Quick: os.Getenv(SyncVariable) == ""}); err != nil {
			return "", err
		}
	}
	return s.apacheKafka.Addr(), nil
}

// Elasticsearch is the URL of a node.
func (s *Stores) Elasticsearch(ctx context.Context) (string, error) {
	if url := os.Getenv(ElasticsearchVariable); url != "" {
		return url, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.elasticsearch == nil {
		dir, err := s.folder("elasticsearch")
		if err != nil {
			return "", err
		}
		if s.elasticsearch, err = local.StartElasticsearch(ctx, local.ElasticsearchConfig{Dir: dir, Cache: local.JarCache(os.TempDir()), Quick: os.Getenv(SyncVariable) == ""}); err != nil {
			return "", err
		}
	}
	return s.elasticsearch.URL(), nil
}

// Run marks all that the test processes of one run leave in shared servers.
func (s *Stores) Run() string {
	if run := os.Getenv(RunVariable); run != "" {
		return run
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == "" {
		s.run = randomName()
	}
	return s.run
}

// Environment starts all servers and returns the variables that tell test processes of them.
func (s *Stores) Environment(ctx context.Context) ([]string, error) {
	dsn, err1 := s.Postgres(ctx)
	redis, err2 := s.Redis(ctx)
	kafka, err3 := s.Kafka(ctx)
	variables := []string{PostgresVariable + "=" + dsn, RedisVariable + "=" + redis, KafkaVariable + "=" + kafka, RunVariable + "=" + s.Run()}
	if err := errors.Join(err1, err2, err3); err != nil || !s.Real {
		return variables, err
	}
	url, err := s.Elasticsearch(ctx)
	return append(variables, ElasticsearchVariable+"="+url, EnginesVariable+"="+RealEngines), err
}

// Stop ends the servers that were started and removes their folders. In a Postgres that was there before, it drops the databases of
// this run, unless the run goes on (RunVariable is set).
func (s *Stores) Stop(ctx context.Context) error {
	var errs []error
	if dsn := os.Getenv(PostgresVariable); dsn != "" && os.Getenv(RunVariable) == "" {
		errs = append(errs, dropDatabases(ctx, dsn, s.Run()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kafka != nil {
		s.kafka.Stop()
	}
	if s.elasticsearch != nil {
		s.elasticsearch.Kill()
	}
	if s.apacheKafka != nil {
		s.apacheKafka.Kill()
	}
	if s.redis != nil {
		s.redis.Kill()
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop(ctx))
	}
	if s.dir != "" {
		errs = append(errs, s.lock.Close(), os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

const folderPrefix = "usher-test-"

// folder is the place of one server. The caller holds mu.
func (s *Stores) folder(name string) (string, error) {
	if s.dir != "" {
		return filepath.Join(s.dir, name), nil
	}
	sweep()
	dir, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return "", err
	}
	if s.lock, err = local.OpenFolder(dir); err != nil {
		return "", err
	}
	s.dir = dir
	return filepath.Join(dir, name), nil
}

// sweep removes the folders of test processes that were killed: those that nobody has locked.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute { // it may be about to be locked
			continue
		}
		lock, err := local.OpenFolder(dir)
		if err != nil {
			continue
		}
		for _, engine := range []string{"elasticsearch", "apache-kafka", "redis", "postgres"} {
			stopLeftOver(filepath.Join(dir, engine, "pid"))
		}
		lock.Close()
		_ = os.RemoveAll(dir) // another sweeper may be at it
	}
}

func stopLeftOver(pidFile string) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // at once: its data goes too
	_ = local.StopLeftOver(ctx, pidFile, syscall.SIGKILL)
}
