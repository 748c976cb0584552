package testenv

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"usher/deploy/local"
)

// SecureRedis starts a Redis for this test alone that speaks TLS on the returned address and has the users of an ACL file. The user default must be
// able to ask for INFO: its answer tells that the server is up. Its plain port is not told.
func SecureRedis(t testing.TB, c Certificate, users string) (addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir, port := filepath.Join(t.TempDir(), "redis"), freePort(t)
	server, err := local.StartRedis(ctx, local.RedisConfig{
		Dir: dir, Files: map[string]string{"tls.crt": c.Cert, "tls.key": c.Key, "users.acl": users},
		Settings: map[string]string{
			"tls-port": strconv.Itoa(port), "tls-auth-clients": "no", "tls-cert-file": filepath.Join(dir, "tls.crt"), "tls-key-file": filepath.Join(dir, "tls.key"),
			"aclfile": filepath.Join(dir, "users.acl"),
		},
	})
	must(t, "start Redis", err)
	t.Cleanup(server.Kill)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// SecurePostgres starts a Postgres for this test alone that speaks TLS, and returns its URL, with sslmode=disable and a password.
func SecurePostgres(t testing.TB, c Certificate) (dsn string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "postgres")
	server, err := local.StartPostgres(ctx, local.PostgresConfig{
		Dir: dir, NoSync: true, Files: map[string]string{"tls.crt": c.Cert, "tls.key": c.Key},
		Settings: map[string]string{"fsync": "off", "ssl": "on", "ssl_cert_file": filepath.Join(dir, "tls.crt"), "ssl_key_file": filepath.Join(dir, "tls.key")},
	})
	must(t, "start Postgres", err)
	t.Cleanup(server.Kill)
	return server.DSN()
}

// SecureKafka starts a broker for this test alone that speaks TLS only, to one user, by whichever of Kafka's three mechanisms.
func SecureKafka(t testing.TB, c Certificate, user, password string) (addr string) {
	t.Helper()
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.TLS(c.Server(t)), kfake.EnableSASL()}
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		options = append(options, kfake.Superuser(mechanism, user, password))
	}
	cluster, err := kfake.NewCluster(options...)
	must(t, "start Kafka", err)
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}
